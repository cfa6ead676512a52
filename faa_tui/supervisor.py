"""The parent process of the application: it waits, and puts the terminal back when the application cannot.

A Textual program that ends by a signal it cannot handle (a native crash, the out-of-memory killer) leaves the terminal
in raw mode on the alternate screen. The parent knows the modes from before and writes them back. It also carries stop
and continue between the shell and the application, so that ctrl+z and fg work as with any program.

Nothing heavy is imported here, and the fork happens before any thread is started.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import termios
import time
from collections.abc import Callable
from typing import Any

RESET = (
    "\x1b[?2026l"  # synchronised output: end
    "\x1b[<u"  # Kitty keyboard protocol: pop
    "\x1b[?1004l\x1b[?2004l\x1b[?2048l"  # focus events, bracketed paste, in-band resize
    "\x1b[?1016l\x1b[?1015l\x1b[?1006l\x1b[?1003l\x1b[?1002l\x1b[?1000l"  # mouse, every mode
    "\x1b[?7h\x1b[?1049l\x1b[?25h\x1b[0m"  # wrap, main screen, cursor, plain colours
)
"""Undoes every mode that the application may have set; harmless where it has not."""

EXIT_NO_TERMINAL = 129
"""The terminal went away; the same as for SIGHUP."""

_PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGTSTP)
_WAKE_SECONDS = 0.25

_FATAL = {
    signal.SIGKILL: "was killed (SIGKILL, often the out-of-memory killer)",
    signal.SIGSEGV: "crashed (segmentation fault)",
    signal.SIGBUS: "crashed (bus error)",
    signal.SIGABRT: "aborted (SIGABRT)",
}


def supervise(main: Callable[[], int]) -> int:
    """Run ``main`` in a child process and return its exit code, 128 + n where it ended by signal n.

    Args:
        main: The application; its return value becomes the exit code.
    """
    saved = _modes()
    sys.stdout.flush()
    sys.stderr.flush()
    returned, returns = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(returned)
        _become_application(main, returns)
    os.close(returns)
    for passed in _PASSED_ON:
        signal.signal(passed, lambda number, _: _tell(child, number))
    status = _wait(child)
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        restore(saved)
        what = _FATAL.get(signal.Signals(number), f"was ended by {signal.Signals(number).name}")
        print(f"faa: the application {what}; the terminal was restored.", file=sys.stderr)
        return 128 + number
    if not _has_word(returned):
        # It left in a hurry (os._exit in a library, a lost terminal) and has restored nothing.
        restore(saved)
    return os.waitstatus_to_exitcode(status)


def restore(modes: list[Any] | None) -> None:
    """Reset the terminal and give it ``modes``; silent where the terminal is gone."""
    # A background process that touches the terminal would be stopped, here for ever.
    ignored = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, RESET.encode())
    if modes is not None:
        with contextlib.suppress(termios.error, OSError):
            termios.tcsetattr(0, termios.TCSADRAIN, modes)
    signal.signal(signal.SIGTTOU, ignored)


def terminal_gone() -> bool:
    """Whether the terminal on standard input was closed under this process."""
    import select

    poll = select.poll()
    poll.register(0, select.POLLIN)
    return any(event & (select.POLLHUP | select.POLLERR | select.POLLNVAL) for _, event in poll.poll(0))


def _has_word(returned: int) -> bool:
    """Whether the application said that its main function came to its end."""
    os.set_blocking(returned, False)  # a process that it left behind may hold the other end
    try:
        return bool(os.read(returned, 1))
    except BlockingIOError:
        return False
    finally:
        os.close(returned)


def _become_application(main: Callable[[], int], returns: int) -> None:
    code = 1
    try:
        code = main()
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
            os.write(returns, b".")
        # Not sys.exit: the caller's frames belong to the parent, and no thread is waited for.
        os._exit(code)


def _wait(child: int) -> int:
    """Wait for the end of ``child``; while it is stopped, be stopped too."""
    while True:
        _, status = os.waitpid(child, os.WUNTRACED)
        if not os.WIFSTOPPED(status):
            return status
        os.kill(os.getpid(), signal.SIGSTOP)  # the shell sees its job stop, and takes the terminal
        _wake(child)


def _wake(child: int) -> None:
    """Continue ``child``, unless the shell has done so: it resumes twice if it is told twice."""
    deadline = time.monotonic() + _WAKE_SECONDS
    while time.monotonic() < deadline:
        if os.waitpid(child, os.WNOHANG | os.WCONTINUED)[0]:
            return
        time.sleep(0.01)
    _tell(child, signal.SIGCONT)


def _tell(child: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, number)


def _modes() -> list[Any] | None:
    try:
        return termios.tcgetattr(0)
    except termios.error:
        return None
