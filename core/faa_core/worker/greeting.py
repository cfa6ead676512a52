"""Finding the worker's greeting among whatever a login prints, and refusing a worker of another version."""

from __future__ import annotations

from typing import IO

from faa_core import __version__
from faa_core.errors import WorkerError
from faa_core.worker import protocol, wire

_LINE = 8 * 1024
_QUOTE = 1_000


class NoGreeting(WorkerError):
    """Something else came where the greeting was awaited.

    Attributes:
        banner: What came.
        ended: Whether the stream ended behind it.
    """

    def __init__(self, message: str, banner: bytes, ended: bool) -> None:
        super().__init__(message, said(banner))
        self.banner = banner.decode(errors="replace")
        self.ended = ended


class OtherVersion(WorkerError):
    """The worker speaks another major version of the protocol, which it is refused for."""

    def __init__(self, theirs: str) -> None:
        super().__init__(f"The worker speaks protocol {theirs}, this program {dotted(protocol.VERSION)}.")


def await_hello(stream: IO[bytes], nonce: str) -> protocol.Hello | None:
    """Skip a banner up to the greeting with ``nonce``, and read the `protocol.Hello` behind it.

    Returns:
        ``None`` where the stream ends and nothing came at all.

    Raises:
        NoGreeting: More than `protocol.BANNER_LIMIT` bytes, or the end, came instead of the greeting.
        OtherVersion: The worker speaks another major version.
        WorkerError: What follows the greeting is no message.
    """
    marker = protocol.HELLO_PREFIX + nonce.encode() + b"\n"
    banner = b""
    while not banner.endswith(marker):
        line = stream.readline(_LINE)
        banner += line
        if len(banner) > protocol.BANNER_LIMIT:
            limit = protocol.BANNER_LIMIT // 1024
            raise NoGreeting(f"The worker printed {limit} KiB and no greeting.", banner, ended=False)
        if not line:
            if banner:
                raise NoGreeting("The worker ended before it greeted.", banner, ended=True)
            return None
    head = wire.read_head(stream)
    if head is None:
        return None
    decoder: wire.Decoder[protocol.Hello] = wire.Decoder(protocol.Hello)
    try:
        hello = decoder(head.header, wire.read_payload(stream, head))
    except wire.BadMessage as error:
        _same_major(error.fields.get("protocol"))  # the greeting itself may have changed with the version
        raise
    _same_major(hello.protocol)
    return hello


def said(printed: bytes | str) -> str:
    """The end of what a worker printed, as a sentence for an error."""
    text = (printed.decode(errors="replace") if isinstance(printed, bytes) else printed).strip()
    return f"It printed: {text[-_QUOTE:]}" if text else "It printed nothing."


def cannot_do(hello: protocol.Hello, what: str, host: str) -> str:
    """Why a worker of another minor version cannot do ``what``; names both versions of the protocol and of faa."""
    theirs = f"faa {hello.versions.get('faa', 'of unknown version')} (protocol {dotted(hello.protocol)})"
    ours = f"faa {__version__} (protocol {dotted(protocol.VERSION)})"
    return f"The worker{f' on {host}' if host else ''} cannot {what}: it is {theirs}, this program is {ours}."


def dotted(version: object) -> str:
    """A version in its usual form. It may come from a stranger, and is whatever was sent."""
    return ".".join(str(part) for part in version[:3])[:_QUOTE] if isinstance(version, list | tuple) else "?"


def _same_major(theirs: object) -> None:
    if isinstance(theirs, list | tuple) and theirs and theirs[0] != protocol.VERSION[0]:
        raise OtherVersion(dotted(theirs))
