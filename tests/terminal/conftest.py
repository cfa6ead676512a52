import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pyte
import pytest

ROOT = Path(__file__).parents[2]
WORKER = ROOT / "tests" / "unit" / "app" / "scripted_worker.py"

LAUNCH = (
    "import sys; from faa_core.worker.protocol import RunOptions; from faa_tui import app; "
    "sys.exit(app.run('demo', sys.argv[2] or None, RunOptions(), [sys.executable, '-P', sys.argv[1]]))"
)


class Terminal:
    """A pseudo-terminal with a process in it, and what its screen looks like."""

    def __init__(self, arguments, environment, size):
        self.screen = pyte.Screen(size[0], size[1])
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._answers = {}
        self.status = None
        self.master, slave = pty.openpty()
        ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self.modes = termios.tcgetattr(slave)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self.master)
                os.login_tty(slave)
                os.execvpe(arguments[0], arguments, environment)
            finally:
                os._exit(127)
        self._slave = slave

    def type(self, keys):
        os.write(self.master, keys.encode())

    def answer(self, question, answer):
        """From now on answer a question of the application, as a real terminal does."""
        self._answers[question] = answer, 0

    def pump(self, seconds=0.05):
        if select.select([self.master], [], [], seconds)[0]:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            self.raw += data
            self._stream.feed(data)
            for question, (answer, before) in self._answers.items():
                asked = self.raw.count(question)
                self.type(answer * (asked - before))
                self._answers[question] = answer, asked

    def until(self, condition, seconds=30.0):
        """Read until ``condition()`` holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "\n".join(["timed out; the screen:", *self.screen.display])
            self.pump()

    def shows(self, text):
        return any(text in line for line in self.screen.display)

    def until_shows(self, text, seconds=30.0):
        self.until(lambda: self.shows(text), seconds)

    def poll(self, flags=0):
        """Wait status of the process if it changed; keeps the end."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG | flags)
            if pid and not os.WIFSTOPPED(status):
                self.status = status
            return status if pid else None
        return self.status

    def until_ended(self, seconds=10.0):
        """Read until the process has ended; returns its exit code as `subprocess` would."""
        self.until(lambda: self.poll() is not None, seconds)
        return os.waitstatus_to_exitcode(self.status)

    def until_stopped(self, seconds=10.0):
        def stopped():
            status = self.poll(os.WUNTRACED)
            return status is not None and os.WIFSTOPPED(status)

        self.until(stopped, seconds)

    @property
    def on_alternate_screen(self):
        return self.raw.rfind(b"\x1b[?1049h") > self.raw.rfind(b"\x1b[?1049l")

    @property
    def cursor_shown(self):
        return self.raw.rfind(b"\x1b[?25h") > self.raw.rfind(b"\x1b[?25l")

    @property
    def mouse_off(self):
        return self.raw.rfind(b"\x1b[?1000l") > self.raw.rfind(b"\x1b[?1000h")

    @property
    def same_modes(self):
        return termios.tcgetattr(self._slave) == self.modes

    def assert_restored(self):
        read = -1
        while len(self.raw) > read:  # what was written before the process ended or stopped
            read = len(self.raw)
            self.pump(0)
        assert not self.on_alternate_screen
        assert self.cursor_shown
        assert self.mouse_off
        assert self.same_modes

    def hang_up(self):
        """The terminal goes away."""
        for name in ("master", "_slave"):
            os.close(getattr(self, name))
            setattr(self, name, -1)

    def children(self, pid=None):
        """Process ids below ``pid``, the nearest first."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                try:
                    fields = (folder / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if int(fields[1]) == (pid or self.pid) and fields[0] != "Z":
                    found.append(int(folder.name))
        return found + [below for child in list(found) for below in self.children(child)]

    def close(self):
        for pid in (*self.children(), self.pid):
            if self.status is None or pid != self.pid:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
        if self.status is None:
            os.waitpid(self.pid, 0)
        if self.master >= 0:
            self.hang_up()


@pytest.fixture
def environment(tmp_path):
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("TEXTUAL", "XDG", "COL", "LINES", "LC_"))
    }
    return {
        **kept,
        "TERM": "xterm-256color",
        "LANG": "C.UTF-8",
        "HOME": str(tmp_path),
        "OMP_NUM_THREADS": "1",
        "TEXTUAL_ANIMATIONS": "none",
        "PYTHONPATH": f"{ROOT / 'core'}:{ROOT}",
    }


@pytest.fixture
def launch():
    """Command line of the application on a scripted worker."""

    def arguments(text="", prelude=""):
        return [sys.executable, "-c", f"{prelude}; {LAUNCH}".lstrip("; "), str(WORKER), text]

    return arguments


@pytest.fixture
def open_terminal(environment, launch):
    opened = []

    def open_it(arguments=None, text="", size=(120, 40), **extra):
        terminal = Terminal(arguments or launch(text), {**environment, **extra}, size)
        opened.append(terminal)
        return terminal

    yield open_it
    for terminal in opened:
        terminal.close()
