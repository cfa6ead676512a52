"""Why a worker on another machine did not start, told from what ``ssh`` and the machine printed.

``ssh`` says 255 for everything between a mistyped name and a changed host key; its words tell them apart. They are
never translated. A hostile machine can print them too, and gains nothing but another message.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from faa_core.errors import HostError, HostSetupError, LoginError
from faa_core.worker.process import SSH_FAILED, exit_words

if TYPE_CHECKING:
    from faa_core.worker.ssh import SshLaunch

PRELUDE_FAILED = 125
"""Exit code of the remote shell when the user's prelude fails, which must not look like a missing program."""

_LINE = 300
_QUOTE = 1_000
_NOT_STARTED = {
    2: ("refused its command line; the faa there is of another version", "Install the same version"),
    126: ("cannot be started: its program is not executable", "Check its permissions, or install it"),
    127: ("cannot be started: command not found", "Install it"),
}
_OWN_LINE = re.compile(
    # What OpenSSH says itself, among a server's banner, a remote shell and warnings.
    r"^(ssh: |kex_exchange_identification|Connection |Host key verification|\S+: Permission denied|Permission denied"
    r"|Received disconnect|Timeout, server|client_loop|ssh_\w+|Bad |command-line|Could not|channel \d|mux_client|"
    r"hostname |Load key|no matching|Unable to negotiate|\S+ line \d+|terminating)"
)


class _Case(NamedTuple):
    words: str
    error: type[HostError]
    message: str
    hint: str


# The order counts: a changed key also ends in "Host key verification failed".
_CASES = (
    _Case(
        r"REMOTE HOST IDENTIFICATION HAS CHANGED|host key for .* has changed",
        HostSetupError,
        "The host key of {host} is not the one that is known here: another machine may be answering in its place.",
        "Ask whoever runs {host} whether its key was changed. faa connects when your known_hosts file holds the right "
        "key.",
    ),
    _Case(
        r"REVOKED HOST KEY|host key .* (is )?revoked",
        HostSetupError,
        "The host key of {host} has been revoked.",
        "Ask whoever runs {host}; faa connects when it has a key that your ssh trusts.",
    ),
    _Case(
        r"Host key verification failed|No \S+ host key is known|no hostkey available",
        LoginError,
        "The host key of {host} is not known here yet.",
        "Log in (in a terminal: {ssh}) and compare the fingerprint that it shows with the one you were given.",
    ),
    _Case(
        r"Permission denied|Too many authentication failures|No more authentication methods",
        LoginError,
        "{host} did not let you in without a question.",
        "Log in (in a terminal: {ssh}) with your password, passphrase or second factor; a key in ssh-agent needs none.",
    ),
    _Case(
        r"Could not resolve hostname|Name or service not known|nodename nor servname",
        HostError,
        "The name of {host} is not known to this network.",
        "Check the spelling, the HostName in ~/.ssh/config, and whether a VPN is needed.",
    ),
    _Case(
        r"Connection refused",
        HostError,
        "{host} refuses connections.",
        "Check that sshd runs there, and the Port in ~/.ssh/config.",
    ),
    _Case(
        r"timed out|Timeout, server",
        HostError,
        "{host} does not answer.",
        "Check that it is up, and whether a VPN or a jump host is needed; then try again.",
    ),
    _Case(
        r"No route to host|Network is unreachable",
        HostError,
        "There is no way to {host} from this network.",
        "Check the network, and whether a VPN or a jump host is needed; then try again.",
    ),
    _Case(
        r"[Bb]ad configuration option|terminating, \d+ bad|unknown option|keyword .* extra arguments|Bad owner or perm",
        HostSetupError,
        "ssh does not accept its configuration, so {host} was not asked.",
        "Correct the line that it names.",
    ),
    _Case(
        r"Unable to negotiate|no matching (host key|key exchange|cipher|mac)",
        HostSetupError,
        "ssh and {host} have no method of encryption in common.",
        "Update the older side, or allow the method for this host in ~/.ssh/config.",
    ),
    _Case(
        r"hostname contains invalid characters|invalid hostname",
        HostSetupError,
        "ssh does not accept the name of {host}.",
        "Check it, and the HostName in ~/.ssh/config.",
    ),
    _Case(
        r"Connection (to .* )?(closed|reset)|kex_exchange_identification|Broken pipe|Received disconnect",
        HostError,
        "{host} closed the connection before a worker could be started.",
        "Try again; if it stays so, the log of its sshd says why.",
    ),
)


def refusal(launch: SshLaunch, code: int | None, printed: str) -> HostError:
    """The error for a worker that did not greet.

    Args:
        launch: How it was started.
        code: Exit code of ``ssh``; ``None`` if it was given up after the time for a greeting.
        printed: What it and the machine printed. Not to be trusted; whoever shows the error escapes it.
    """
    host = launch.host
    if code is None and re.search("Confirm user presence|[Tt]ouch", printed):
        return LoginError(f"The key for {host} waits to be touched.", f"Log in (in a terminal: {_ssh(launch)}).")
    if code is None:
        return HostError(
            f"{host} was reached by ssh, or is being reached, and no worker has greeted in time.",
            f"Try it in a terminal: {_ssh(launch)}. {_quote(printed)}",
        )
    if code == SSH_FAILED or code < 0:
        return _unconnected(launch, printed)
    if code == PRELUDE_FAILED and launch.entry.prelude:
        return HostSetupError(
            f"The prelude for {host} failed: {launch.entry.prelude}",
            f"Try it there. A shell behind ssh reads no profile: where 'module' is missing, begin with "
            f"'. /etc/profile &&'. {_quote(printed)}",
        )
    if code in _NOT_STARTED:
        what, cure = _NOT_STARTED[code]
        return HostSetupError(
            f"The worker on {host} ({launch.entry.command}) {what}.",
            f"{cure}: {launch.install} - or say where it is: command in [hosts.{host}]. {_quote(printed)}",
        )
    text, _ = exit_words(code, host)
    return HostError(f"{text[:-1]} before it greeted (exit code {code}).", _quote(printed))


def _unconnected(launch: SshLaunch, printed: str) -> HostError:
    line = _last_words(printed)
    for case in _CASES:
        if re.search(case.words, printed):
            words = {"host": launch.host, "ssh": _ssh(launch)}
            hint = case.hint.format_map(words)
            return case.error(case.message.format_map(words), f"{hint} ssh said: {line}" if line else hint)
    return HostError(
        f"ssh could not connect to {launch.host}.", f"Try it in a terminal: {_ssh(launch)}. {_quote(printed)}"
    )


def _last_words(printed: str) -> str:
    """The last line of ssh's own, or else the last."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    own = [line for line in lines if _OWN_LINE.match(line)]
    return (own or lines or [""])[-1][:_LINE]


def _ssh(launch: SshLaunch) -> str:
    return f"ssh {launch.destination}"


def _quote(printed: str) -> str:
    text = printed.strip()
    return f"It printed: {text[-_QUOTE:]}" if text else "It printed nothing."
