"""Two machines to log in to: real sshd processes on 127.0.0.1, with throw-away keys and homes of their own.

`FAA_SSH` leads every ``ssh`` of faa to a configuration that knows them as gpu7 and gpu8, and gpu7 under further names
for what can go wrong. The account is that of whoever runs the tests; no file of its home is read or written.
"""

from __future__ import annotations

import getpass
import os
import pty
import queue
import re
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from faa_core.worker.client import ClientEvent, WorkerClient
from faa_core.worker.launch import Launch
from faa_tui.hosts import Hosts

HERE = Path(__file__).parent
ENGINE = HERE.parent / "integration" / "worker" / "scripted_worker.py"
HOSTILE = HERE / "hostile_worker.py"
PASSPHRASE = "open sesame"
PATIENCE = 30.0
SSHD = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")

E = TypeVar("E")

FAA = """\
#!/bin/sh
# faa of a machine of the tests. WAY says how its worker behaves; without it, it is the real one.
case "$1:$WAY" in
  worker:hostile-*) shift; exec {python} {hostile} "${{WAY#hostile-}}" "$@" ;;
  worker:?*) shift; exec {python} {engine} "$WAY" "$@" ;;
esac
exec {python} -P -m faa_tui "$@"
"""

SERVER = """\
Port {port}
ListenAddress 127.0.0.1
HostKey {folder}/host_key
PidFile none
AuthorizedKeysFile {folder}/authorized_keys
SetEnv HOME={home} PATH={home}/bin:/usr/local/bin:/usr/bin:/bin
UsePAM no
StrictModes no
PermitRootLogin yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UseDNS no
PrintMotd no
MaxStartups 100
"""

CLIENT = """\
Host gpu7-stranger
    UserKnownHostsFile {folder}/known_by_nobody
Host gpu7-changed
    UserKnownHostsFile {folder}/known_otherwise
Host gpu7-refused
    IdentityFile {folder}/stranger_key
Host gpu7-locked
    IdentityFile {folder}/locked_key
Host gpu7-command
    RemoteCommand echo this is not faa
    RequestTTY force
    LocalCommand touch {folder}/local_command_ran
    PermitLocalCommand yes
Host gpu7-lively
    ServerAliveInterval 1
    ServerAliveCountMax 1
    ConnectTimeout 7
Host gpu7-closed
    Port 1
Host gpu7-unknown
    HostName no-such-machine.invalid
Host gpu7*
    Port {gpu7}
    UserKnownHostsFile {folder}/known_gpu7
Host gpu8
    Port {gpu8}
    UserKnownHostsFile {folder}/known_gpu8
Host gpu*
    HostName 127.0.0.1
    User {user}
    GlobalKnownHostsFile /dev/null
    IdentitiesOnly yes
    IdentityAgent none
    PreferredAuthentications publickey
Host gpu* !gpu7-refused !gpu7-locked
    IdentityFile {folder}/user_key
"""


class Machine:
    """A machine of the tests: a running sshd, and the home that a login finds there."""

    def __init__(self, folder: Path, python: str) -> None:
        folder.mkdir()
        self.folder, self.home = folder, folder / "home"
        self.python = python
        (self.home / "bin").mkdir(parents=True)
        faa = self.home / "bin" / "faa"
        faa.write_text(FAA.format(python=python, hostile=HOSTILE, engine=ENGINE))
        faa.chmod(0o755)
        os.symlink(python, self.home / "bin" / "python3")
        new_key(folder / "host_key")
        self.port = 0
        self._sshd = self._start()

    def _start(self) -> subprocess.Popen[str]:
        """Start sshd on a free port; another process may take it in between, so try again."""
        assert SSHD is not None
        said: list[str] = []
        for _ in range(5):
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
            config = self.folder / "sshd_config"
            config.write_text(SERVER.format(port=self.port, folder=self.folder, home=self.home))
            command = [SSHD, "-D", "-e", "-f", str(config)]
            sshd = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
            assert sshd.stderr is not None
            for line in sshd.stderr:
                said.append(line)
                if line.startswith("Server listening"):
                    threading.Thread(target=sshd.stderr.read, daemon=True).start()
                    return sshd
            sshd.wait()
        raise RuntimeError("".join(said))

    def stop(self) -> None:
        self._sshd.terminate()
        self._sshd.wait()


class Lab:
    """Both machines, and the files of the client's side."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.gpu7 = Machine(folder / "gpu7", sys.executable)
        self.gpu8 = Machine(folder / "gpu8", other_environment(folder / "venv"))
        for name in ("user_key", "stranger_key", "other_host_key"):
            new_key(folder / name)
        new_key(folder / "locked_key", PASSPHRASE)
        allowed = "".join((folder / f"{name}.pub").read_text() for name in ("user_key", "locked_key"))
        for machine in (self.gpu7, self.gpu8):
            (machine.folder / "authorized_keys").write_text(allowed)
        key7, key8, other = (
            " ".join((path.with_suffix(".pub")).read_text().split()[:2])
            for path in (self.gpu7.folder / "host_key", self.gpu8.folder / "host_key", folder / "other_host_key")
        )
        for name, key in (("known_gpu7", key7), ("known_gpu8", key8), ("known_otherwise", other)):
            (folder / name).write_text(f"* {key}\n")
        self.config = folder / "ssh_config"
        self.config.write_text(
            CLIENT.format(folder=folder, gpu7=self.gpu7.port, gpu8=self.gpu8.port, user=getpass.getuser())
        )
        self.ssh = f"ssh -F {shlex.quote(str(self.config))}"

    def alias(self, name: str, *lines: str) -> None:
        """Put another name in front of the client's configuration, where its options win."""
        options = "".join(f"    {line}\n" for line in lines)
        self.config.write_text(f"Host {name}\n{options}{self.config.read_text()}")


def new_key(path: Path, passphrase: str = "") -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "faa", "-f", str(path)], check=True)


def other_environment(folder: Path) -> str:
    """A Python environment that sees the packages of this one, and a torch of another version before them."""
    venv.create(folder, symlinks=True, with_pip=False)
    (packages,) = folder.glob("lib/python*/site-packages")
    ours = next(path for path in sys.path if path.endswith("site-packages"))
    (packages / "ours.pth").write_text(f"import site; site.addsitedir({ours!r})\n")
    torch = packages / "torch-2.99.7.dist-info"
    torch.mkdir()
    (torch / "METADATA").write_text("Metadata-Version: 2.1\nName: torch\nVersion: 2.99.7\n")
    return str(folder / "bin" / "python")


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The machines, running."""
    if SSHD is None:
        reason = "there is no sshd; on Debian: apt-get install openssh-server"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)  # sshd wants it, and in a container nobody makes it
    made = Lab(tmp_path_factory.mktemp("lab"))
    yield made
    made.gpu7.stop()
    made.gpu8.stop()


@pytest.fixture(autouse=True)
def _reached(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Every ssh of faa reads the configuration of the lab, in this process and in those that it starts."""
    monkeypatch.setenv("FAA_SSH", lab.ssh)
    monkeypatch.delenv("SSH_AUTH_SOCK", raising=False)
    before = lab.config.read_text()
    yield
    lab.config.write_text(before)


@pytest.fixture
def configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Writes the configuration of faa."""

    def write(text: str) -> Path:
        file = tmp_path / "config.toml"
        file.write_text(text)
        monkeypatch.setenv("FAA_CONFIG", str(file))
        return file

    return write


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    """The machines as the application knows them; logged out of afterwards."""
    made = Hosts()
    yield made
    made.forget()


class Heard:
    """A client, and what it reports."""

    def __init__(self, launch: Launch) -> None:
        self._events: queue.SimpleQueue[ClientEvent] = queue.SimpleQueue()
        self.client = WorkerClient(self._events.put, launch)

    def until(self, wanted: type[E]) -> E:
        """The next event of a type."""
        while True:
            event = self._events.get(timeout=PATIENCE)
            if isinstance(event, wanted):
                return event


@pytest.fixture
def hear() -> Iterator[Callable[[Launch], Heard]]:
    """Makes clients, not started yet; all are closed afterwards."""
    made: list[Heard] = []

    def make(launch: Launch) -> Heard:
        made.append(Heard(launch))
        return made[-1]

    yield make
    for heard in made:
        heard.client.close()


class Typist:
    """A program at a terminal of its own, and a person who reads and types there.

    A shell holds the terminal, as the application or a shell does in earnest: with the first process of a terminal
    the others in its foreground get SIGHUP, and an ssh on its way to the background would be among them.
    """

    def __init__(self, command: tuple[str, ...], environment: dict[str, str] | None = None) -> None:
        self.printed = ""
        shell = ["sh", "-c", '"$@"; echo "[ended $?]"; read -r _', "sh", *command]
        self.pid, self._terminal = pty.fork()
        if self.pid == 0:
            try:
                os.execvpe(shell[0], shell, os.environ | (environment or {}))
            finally:
                os._exit(127)

    def until(self, pattern: str) -> None:
        """Read until the screen has shown ``pattern``."""
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.printed):
            assert time.monotonic() < deadline, self.printed
            assert self._read(), self.printed

    def type(self, line: str) -> None:
        self.printed = ""
        os.write(self._terminal, line.encode() + b"\r")

    def press(self, key: str) -> None:
        self.printed = ""
        os.write(self._terminal, key.encode())

    def ended(self) -> int:
        """Read until the program has ended; its exit code."""
        self.until(r"\[ended \d+\]")
        return int(self.printed.rpartition("[ended ")[2].partition("]")[0])

    def _read(self) -> bool:
        assert select.select([self._terminal], [], [], PATIENCE)[0], self.printed
        try:
            data = os.read(self._terminal, 65536)
        except OSError:  # Linux says so when nobody has the other side open
            return False
        self.printed += data.decode(errors="replace")
        return bool(data)

    def close(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self._terminal)


@pytest.fixture
def at_terminal() -> Iterator[Callable[..., Typist]]:
    """Runs programs at a terminal."""
    made: list[Typist] = []

    def run(command: tuple[str, ...], **environment: str) -> Typist:
        made.append(Typist(command, environment))
        return made[-1]

    yield run
    for typist in made:
        typist.close()


class Network:
    """A stretch of network before a machine. Frozen, it takes everything and delivers nothing."""

    def __init__(self, port: int) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._target = port
        self._flowing = threading.Event()
        self._flowing.set()
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def freeze(self) -> None:
        self._flowing.clear()

    def tear_down(self) -> None:
        """The machine learns that the other side is gone."""
        self._listener.close()
        for end in self._ends:
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(("127.0.0.1", self._target))
            self._ends += [near, far]
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, source: socket.socket, target: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                self._flowing.wait()
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return


@pytest.fixture
def network(lab: Lab) -> Iterator[Network]:
    """The way to gpu7-frozen, which notices within three seconds that nothing comes any more."""
    made = Network(lab.gpu7.port)
    lab.alias("gpu7-frozen", f"Port {made.port}", "ServerAliveInterval 1", "ServerAliveCountMax 1")
    yield made
    made.tear_down()
