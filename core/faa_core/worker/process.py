"""A worker process as its client holds it: started, heard, ended, and its end put into words."""

from __future__ import annotations

import contextlib
import fcntl
import os
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import IO, NamedTuple

from faa_core.errors import WorkerError

STDERR_BYTES = 4 * 1024
"""How much of the end of standard error is kept."""
_PIPE_BYTES = 1024 * 1024
_LAST_WORDS_SECONDS = 0.2
_QUOTE = 400


class Exit(NamedTuple):
    """How a process ended.

    Attributes:
        text: What happened.
        hint: What to do next.
        code: As `subprocess` gives it; negative for a signal that ended the local process.
        lost_link: Whether the connection to another machine ended, and not its worker.
    """

    text: str
    hint: str
    code: int
    lost_link: bool = False


_SILENT = (0, -signal.SIGKILL, -signal.SIGTERM, 128 + signal.SIGKILL, 128 + signal.SIGTERM)
"""Ends that come from outside, to which the last line has nothing to add."""
_AGAIN = "Run again: a new worker is started."
_SIGNALS: dict[int, tuple[str, str]] = {
    signal.SIGKILL: (
        "was killed by SIGKILL (often the out-of-memory killer)",
        "Try a shorter text, a smaller model or another device; the kernel log of its machine says who killed it.",
    ),
    signal.SIGSEGV: ("crashed: segmentation fault", "A native library is at fault; the lines it left say which."),
    signal.SIGBUS: ("crashed: bus error", "Often a full disk or a full /dev/shm; free some space and run again."),
    signal.SIGABRT: ("aborted itself (SIGABRT)", "A native library gave up; the lines it left say why."),
    signal.SIGFPE: ("crashed: arithmetic fault (SIGFPE)", "A native library is at fault; the lines it left say which."),
    signal.SIGILL: ("crashed: illegal instruction", "This build of torch needs a newer processor; install another."),
    signal.SIGTERM: ("was asked to end (SIGTERM)", _AGAIN),
    signal.SIGHUP: ("lost its terminal or connection (SIGHUP)", _AGAIN),
}
_CODES: dict[int, tuple[str, str]] = {
    0: ("ended by itself", _AGAIN),
    2: ("refused its command line", "Install the same version of faa-tui on both sides."),
    70: ("ended because the accelerator failed", _AGAIN),
    76: ("ended because it received something that is no message", _AGAIN),
    126: ("could not be started: its program is not executable", "Check the path and its permissions."),
    127: ("could not be started: command not found", "Check that faa-tui is installed where the worker is to run."),
}


SSH_FAILED = 255
"""Exit code of ``ssh`` for every fault of its own; else it is that of the remote command."""


def link_lost(code: int, host: str) -> bool:
    """Whether an end says something of the connection to ``host`` and nothing of its worker.

    Under a remote shell a worker that dies by a signal gives 128 and more. So a negative code is the local ``ssh``.
    """
    return bool(host) and (code == SSH_FAILED or code < 0)


def exit_words(code: int, host: str = "") -> tuple[str, str]:
    """What happened and what to do, for an exit code of `subprocess` or of a shell (137 and -9 are the same).

    Args:
        code: The exit code.
        host: Name of the machine that the worker runs on; "" for this one.
    """
    if link_lost(code, host):
        how = f": the local ssh was ended by signal {-code}" if code < 0 else ""
        return f"The connection to {host} was lost{how}.", "Run again: a new connection is made."
    number = -code if code < 0 else code - 128
    if number in _SIGNALS:
        text, hint = _SIGNALS[number]
    elif code < 0:
        text, hint = f"was ended by signal {number}", _AGAIN
    else:
        text, hint = _CODES.get(code, (f"ended with exit code {code}", "The lines it left say why."))
    return f"The worker{f' on {host}' if host else ''} {text}.", hint


class WorkerProcess:
    """A child in a session of its own, so that a Ctrl-C in the terminal reaches the client only.

    Its standard error is read all the time, and its end is kept. What is sent is queued and written by a thread, so
    that no caller waits for a worker that does not read. When the client's process ends, however it does, the
    kernel closes the pipes, and the worker leaves.

    Args:
        command: Program and arguments; no shell is involved.
        host: Name of the machine that the worker runs on, if the command leads to another one.

    Raises:
        WorkerError: The program cannot be started.
    """

    def __init__(self, command: Sequence[str], host: str = "") -> None:
        self._host = host
        pipe = subprocess.PIPE
        try:
            self._child = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
        except OSError as error:
            raise WorkerError(
                f"The worker could not be started: {command[0]!r}: {error.strerror}.",
                "Check that faa-tui is installed where the worker is to run.",
            ) from error
        source, output, errors = self._child.stdin, self._child.stdout, self._child.stderr
        assert source is not None
        assert output is not None
        assert errors is not None
        self.output: IO[bytes] = output
        _widen(output)
        self.pid = self._child.pid
        self._tail = b""
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._drain = threading.Thread(target=self._keep_tail, args=(errors,), name="worker stderr", daemon=True)
        self._drain.start()
        threading.Thread(target=_write, args=(self._outgoing, source), name="worker stdin", daemon=True).start()

    @property
    def running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._child.poll() is None

    @property
    def stderr_tail(self) -> str:
        """End of what the worker and its libraries printed. May hold control characters: escape before showing."""
        return self._tail.decode(errors="replace")

    def send(self, frame: bytes) -> None:
        """Queue ``frame`` for the worker; returns at once."""
        self._outgoing.put(frame)

    def hang_up(self) -> None:
        """Close the worker's standard input behind what is queued; a worker leaves on that."""
        self._outgoing.put(None)

    def kill(self) -> None:
        """End the process and every process it started that stayed in its session."""
        if self.running:
            try:
                os.killpg(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                return

    def end(self, timeout: float) -> None:
        """Wait for a worker that was told to leave; then terminate it, then kill it, all within ``timeout`` seconds."""
        start = time.monotonic()
        for share, insist in ((0.5, self._child.terminate), (0.8, self.kill), (1.0, self.kill)):
            try:
                self._child.wait(max(0.0, start + share * timeout - time.monotonic()))
            except subprocess.TimeoutExpired:
                insist()
            else:
                return

    def reap(self, timeout: float) -> Exit:
        """Wait for the end, which is brought about after ``timeout`` seconds, and say how it was."""
        try:
            code = self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            code = self._child.wait()
        self.hang_up()
        self._drain.join(_LAST_WORDS_SECONDS)  # a process the worker started may hold the pipe open for longer
        text, hint = exit_words(code, self._host)
        lines = self.stderr_tail.split("\n")
        last = next((line.strip() for line in reversed(lines) if line.strip()), "")
        lost = link_lost(code, self._host)
        if last and (code > 0 if lost else code not in _SILENT):
            text += f" {'ssh said' if lost else 'Its last line'}: {last[:_QUOTE]}"
        return Exit(text, hint, code, lost)

    def _keep_tail(self, stream: IO[bytes]) -> None:
        with stream:
            while data := os.read(stream.fileno(), 4096):
                self._tail = (self._tail + data)[-STDERR_BYTES:]


def _write(frames: queue.SimpleQueue[bytes | None], stream: IO[bytes]) -> None:
    try:
        with stream:
            while (frame := frames.get()) is not None:
                stream.write(frame)
                stream.flush()
    except OSError:
        return  # the worker is gone; whoever reads its output notices


def _widen(pipe: IO[bytes]) -> None:
    """Let a pipe hold more than 64 KiB: fewer turns between the two processes make a large array twice as fast."""
    if hasattr(fcntl, "F_SETPIPE_SZ"):
        with contextlib.suppress(OSError):  # an administrator may have set a lower limit
            fcntl.fcntl(pipe.fileno(), fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
