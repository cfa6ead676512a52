"""Finding the worker's greeting among whatever a login prints, and refusing a worker of another version."""

from __future__ import annotations

from typing import IO

from faa_core import __version__
from faa_core.errors import WorkerError
from faa_core.worker import protocol, wire

_LINE = 8 * 1024
_QUOTE = 1_000


def await_hello(stream: IO[bytes], nonce: str) -> protocol.Hello | None:
    """Skip a banner up to the greeting with ``nonce``, and read the `protocol.Hello` behind it.

    Returns:
        ``None`` where the stream ends and nothing came at all.

    Raises:
        WorkerError: More than `protocol.BANNER_LIMIT` bytes, or the end, came instead of the greeting; or the worker
            speaks another version. The hint quotes what came.
    """
    marker = protocol.HELLO_PREFIX + nonce.encode() + b"\n"
    banner = b""
    while not banner.endswith(marker):
        line = stream.readline(_LINE)
        banner += line
        if len(banner) > protocol.BANNER_LIMIT:
            raise WorkerError(f"The worker printed {protocol.BANNER_LIMIT // 1024} KiB and no greeting.", said(banner))
        if not line:
            if banner:
                raise WorkerError("The worker ended before it greeted.", said(banner))
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


def _same_major(theirs: object) -> None:
    if isinstance(theirs, list | tuple) and theirs and theirs[0] != protocol.VERSION[0]:
        versions = [".".join(map(str, version)) for version in (theirs, protocol.VERSION)]
        raise WorkerError(
            f"The worker speaks protocol {versions[0]}, this program {versions[1]}.",
            f"Install the same version on both sides, for example: pip install faa-tui=={__version__}",
        )
