"""A worker on another machine, behind the user's own ``ssh``.

OpenSSH is a child process and reads the user's configuration, so that aliases, jump hosts, agents, hardware keys and
host-key policy work as they do in a terminal. faa opens no port, holds no key and installs nothing.

Of options on the command line and in the file the first wins (ssh_config(5)), and the command line comes first. So
only what the protocol and safety need is put there; keep-alive and time-outs only where ``ssh -G`` says that the user
has none.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from faa_core.errors import HostError, HostSetupError, UsageError
from faa_core.worker.launch import REQUIREMENT
from faa_core.worker.refusals import PRELUDE_FAILED, refusal

PROGRAM_VARIABLE = "FAA_SSH"
"""Environment variable with the ssh program and its first arguments, read as a shell would; like GIT_SSH_COMMAND."""

SAFE = (
    *("-o", "ClearAllForwardings=yes"),
    *("-o", "ForwardAgent=no"),
    *("-o", "ForwardX11=no"),
    *("-o", "PermitLocalCommand=no"),
    *("-o", "RemoteCommand=none"),  # a user's own one would stand where the worker's belongs
)
"""Options of every connection: nothing but one command runs over it, and nothing of this machine is lent."""

_KEEP_ALIVE = (
    # A link without traffic for 45 seconds is dead; without this, ssh waits for as long as TCP does.
    ("serveraliveinterval", "0", ("-o", "ServerAliveInterval=15", "-o", "ServerAliveCountMax=3")),
    ("connecttimeout", "none", ("-o", "ConnectTimeout=15")),
)
"""Keyword of ``ssh -G``, what it says when the user has set nothing, and what is set then."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]*(@[A-Za-z0-9_][A-Za-z0-9_.-]*)?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOCAL_SECONDS = 5.0
"""How long an ``ssh`` that contacts nobody may take; a ``Match exec`` of the user runs in it."""


def is_host_name(text: str) -> bool:
    """Whether ``text`` is ``[user@]name`` and nothing else: no option, no blank, nothing that a shell would read."""
    return len(text) <= 255 and _NAME.fullmatch(text) is not None


def check_host(text: str) -> None:
    """Refuse what is no name of a host, before anything is started.

    Raises:
        HostSetupError: It is none.
    """
    if not is_host_name(text):
        raise HostSetupError(f"{text!r} is not the name of a host.", "Write [user@]name, as for ssh.")


class HostEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the user has said of a machine. All strings stay on one line.

    Attributes:
        ssh: ``[user@]name`` for ssh, usually an alias of ``~/.ssh/config``; "" for the name of the entry.
        command: What starts the worker there, as a person would type it: ``~/venv/bin/faa worker``.
        prelude: What to do before, in the same shell: ``. /etc/profile && module load cuda``.
        device: Device of models there, unless another is asked for.
        environment: Variables of the worker. They can be seen in the list of processes there; no place for secrets.

    Raises:
        UsageError: A value cannot be used.
    """

    ssh: str = ""
    command: str = "faa worker"
    prelude: str = ""
    device: str = "auto"
    environment: dict[str, str] = {}

    def __post_init__(self) -> None:
        if self.ssh and not is_host_name(self.ssh):
            raise UsageError(f"ssh = {self.ssh!r} is not [user@]name.", "Ports and keys belong into ~/.ssh/config.")
        if not self.command.strip():
            raise UsageError("command is empty.", "It starts the worker, for example: faa worker.")
        texts = {"command": self.command, "prelude": self.prelude, "device": self.device}
        texts |= {f"environment.{name}": text for name, text in self.environment.items()}
        for key, text in texts.items():
            if any(ord(character) < 32 or ord(character) == 127 for character in text):
                raise UsageError(f"{key} holds a line feed or another control character.", "Join commands by ' && '.")
        for name in self.environment:
            if not _VARIABLE.fullmatch(name):
                raise UsageError(f"environment.{name!r} is not the name of a variable.", "Use letters, digits and _.")


@dataclass(frozen=True)
class SshLaunch:
    """A worker behind ``ssh``; see `launch.Launch`.

    Args:
        host: Name of the machine as the user wrote it.
        entry: What the user has said of it.
        control_path: Socket of a connection for which a person has logged in; see `faa_core.worker.login`.
    """

    host: str
    entry: HostEntry = field(default_factory=HostEntry)
    control_path: str | None = None

    @property
    def destination(self) -> str:
        """What ssh is given as a host.

        Raises:
            HostSetupError: It is no host name. Nothing has been started.
        """
        name = self.entry.ssh or self.host
        check_host(name)
        return name

    @property
    def program(self) -> tuple[str, ...]:
        """What a person would type to start the worker."""
        return ("ssh", self.destination, self.entry.command)

    @property
    def install(self) -> str:
        """What a person would type here to install this version of faa there."""
        return shlex.join(
            [*ssh_program(), self.destination, self.there(f"{self._python} -m pip install {REQUIREMENT}")]
        )

    def command(self, nonce: str) -> tuple[str, ...]:
        """The ``ssh`` that starts the worker."""
        return self.shell(f"{self.entry.command} --nonce {nonce}")

    def shell(self, script: str) -> tuple[str, ...]:
        """Program and arguments that run a line of POSIX shell there, behind the prelude and with the environment.

        The remote login shell only sees ``sh`` and one quoted word, so that bash, zsh, fish and csh are the same. The
        shell outlives what it runs, because ``ssh`` says 255 for a process that dies by a signal and a shell says
        128 and its number.

        Raises:
            HostError: The name is no host name, or there is no ssh here.
        """
        destination = self.destination
        steps = []
        if self.entry.prelude:
            # What it prints is no part of a protocol, and what it reads must not be taken from one.
            steps.append(f"eval {shlex.quote(self.entry.prelude)} </dev/null >&2 || exit {PRELUDE_FAILED}")
        if self.entry.environment:
            settings = (f"{name}={shlex.quote(text)}" for name, text in self.entry.environment.items())
            steps.append(f"export {' '.join(settings)}")
        script = "; ".join([*steps, script, "exit $?"])
        return (
            *(*ssh_program(), "-T", "-o", "BatchMode=yes"),
            *SAFE,
            # A connection that the user has opened may be used, but a new one is not for others: it ends with faa.
            *("-o", "ControlMaster=no"),
            *(("-o", f"ControlPath={self.control_path}") if self.control_path else ()),
            *keep_alive(destination),
            *("--", destination, f"sh -c {_one_word(script)}"),
        )

    def there(self, command: str) -> str:
        """``command`` as a person would type it in a shell there, behind the prelude."""
        return f"{self.entry.prelude} && {command}" if self.entry.prelude else command

    def failure(self, code: int | None, printed: str) -> HostError:
        """Why there is no worker, told from the exit code and from what ssh and the remote side printed."""
        return refusal(self, code, printed)

    @property
    def interpreters(self) -> str:
        """Words for a shell there: the Python that faa would be in, and those that it might be in."""
        return " ".join(dict.fromkeys((self._python, "python3", "python")))

    @property
    def _python(self) -> str:
        """The interpreter beside the program that starts the worker."""
        if beside := re.search(r"(\S+/)faa\s+worker\s*$", self.entry.command):
            return f"{beside[1]}python"
        if itself := re.search(r"(\S*python[\d.]*)\s+(-\S+\s+)*-m\s+faa_core\.worker\s*$", self.entry.command):
            return itself[1]
        return "python3"


def _one_word(text: str) -> str:
    r"""``text`` as one word of any login shell.

    In single quotes fish reads ``\\`` and csh reads ``!``; outside of quotes all of them agree on what a backslash is.
    """
    return "'" + re.sub(r"['\\!]", lambda found: f"'\\{found[0]}'", text) + "'"


def ssh_program() -> tuple[str, ...]:
    """The ssh of the user, with the arguments that come first.

    Raises:
        HostSetupError: There is none, or `PROGRAM_VARIABLE` cannot be read.
    """
    given = os.environ.get(PROGRAM_VARIABLE, "ssh")
    try:
        words = tuple(shlex.split(given))
    except ValueError as error:
        raise HostSetupError(
            f"{PROGRAM_VARIABLE} cannot be read: {given!r}: {error}.", "Quote it as for sh."
        ) from error
    if not words or shutil.which(words[0]) is None:
        raise HostSetupError(
            f"There is no program {words[0] if words else given!r} here, and workers elsewhere are reached by it.",
            f"Install OpenSSH (on Debian: apt-get install openssh-client), or set {PROGRAM_VARIABLE}.",
        )
    return words


def keep_alive(destination: str) -> tuple[str, ...]:
    """Options that let a dead connection be noticed, where the user's configuration has none."""
    found = _configuration(destination)
    return tuple(
        word for keyword, unset, options in _KEEP_ALIVE if found.get(keyword, unset) == unset for word in options
    )


def run_locally(command: Sequence[str]) -> subprocess.CompletedProcess[str] | None:
    """Run an ``ssh`` that contacts nobody; ``None`` where it does not end or does not start."""
    try:
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_LOCAL_SECONDS,
            start_new_session=True,
            check=False,
        )
    except (subprocess.TimeoutExpired, OSError):
        return None


def _configuration(destination: str) -> dict[str, str]:
    """What ``ssh -G`` says of a host; empty where it fails, since the connection will then fail with the reason."""
    done = run_locally((*ssh_program(), "-G", "--", destination))
    if done is None or done.returncode:
        return {}
    return dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
