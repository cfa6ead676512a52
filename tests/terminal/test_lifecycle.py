import os
import select
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def started(open_terminal, **options):
    terminal = open_terminal(**options)
    terminal.until_shows("done 0.42 s")
    return terminal


def test_opens_runs_and_shows_a_head(open_terminal):
    terminal = started(open_terminal)
    terminal.until_shows("layer 0 head 0")
    terminal.until_shows("4 layers x 8 heads")
    terminal.type(">")
    terminal.until_shows("layer 0 head 1")
    terminal.type("]")
    terminal.until_shows("layer 1 head 1")


def test_q_quits_restores_and_leaves_nobody_behind(open_terminal):
    terminal = started(open_terminal)
    below = terminal.children()
    assert len(below) == 2  # the application and its worker
    terminal.type("q")
    assert terminal.until_ended() == 0
    terminal.assert_restored()
    terminal.until(lambda: not any(alive(pid) for pid in below))


def test_quits_while_the_worker_hangs(open_terminal, tmp_path):
    signal_file = tmp_path / "go"
    terminal = open_terminal(text=f"%deaf {signal_file}\nsome words")
    terminal.until(lambda: Path(f"{signal_file}.begun").exists())
    below = terminal.children()
    os.kill(below[-1], signal.SIGSTOP)  # it cannot even answer SIGTERM
    begun = time.monotonic()
    terminal.type("q")
    assert terminal.until_ended() == 0
    assert time.monotonic() - begun < 5
    terminal.assert_restored()
    terminal.until(lambda: not any(alive(pid) for pid in below))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_polite_signal_to_the_parent_restores(open_terminal, number):
    terminal = started(open_terminal)
    below = terminal.children()
    os.kill(terminal.pid, number)
    assert terminal.until_ended() == 128 + number
    terminal.assert_restored()
    terminal.until(lambda: not any(alive(pid) for pid in below))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_hard_death_of_the_application_restores(open_terminal, number):
    terminal = started(open_terminal)
    application, *workers = terminal.children()
    assert not terminal.same_modes
    os.kill(application, number)
    assert terminal.until_ended() == 128 + number
    terminal.assert_restored()
    assert b"the terminal was restored" in terminal.raw
    terminal.until(lambda: not any(alive(pid) for pid in workers))


def test_the_death_of_the_parent_ends_the_application(open_terminal):
    terminal = started(open_terminal)
    below = terminal.children()
    os.kill(terminal.pid, signal.SIGKILL)
    terminal.until(lambda: not any(alive(pid) for pid in below))
    assert not terminal.on_alternate_screen
    assert terminal.same_modes


def test_ctrl_c_asks_once_and_leaves_the_second_time(open_terminal):
    terminal = started(open_terminal)
    terminal.type("\x03")
    terminal.until_shows("again to quit")
    terminal.type("\x03")
    assert terminal.until_ended() == 130
    terminal.assert_restored()


def test_two_interrupts_from_elsewhere_restore(open_terminal):
    terminal = started(open_terminal)
    below = terminal.children()
    os.kill(terminal.pid, signal.SIGINT)  # as by kill: a terminal in raw mode sends none
    terminal.until_shows("again to quit")
    os.kill(terminal.pid, signal.SIGINT)
    assert terminal.until_ended() == 130
    terminal.assert_restored()
    terminal.until(lambda: not any(alive(pid) for pid in below))


LATER = """\
import os
from faa_tui.application import FaaApp
def later(app, what, begin=FaaApp._begin):
    begin(app)
    app.set_timer(1.0, what)
FaaApp._begin = lambda app: later(app, {})"""


def test_an_exception_in_a_timer_restores_and_is_told(open_terminal, launch):
    terminal = open_terminal(arguments=launch(prelude=LATER.format("lambda: 1 / 0")))
    assert terminal.until_ended(30) == 1
    terminal.assert_restored()
    assert b"ZeroDivisionError" in terminal.raw[terminal.raw.rfind(b"\x1b[?1049l") :]


@pytest.mark.parametrize("code", [0, 1, 3, 77])
def test_a_library_that_leaves_at_once_restores(open_terminal, launch, code):
    terminal = open_terminal(arguments=launch(prelude=LATER.format(f"lambda: os._exit({code})")))
    assert terminal.until_ended(30) == code
    terminal.assert_restored()


def test_nohup_keeps_nothing_alive(open_terminal, launch):
    # The terminal is still there for it to start in, and a signal that is ignored is not the only way to be told.
    terminal = open_terminal(arguments=["sh", "-c", f"trap '' HUP; exec {shlex.join(launch())}"])
    terminal.until_shows("done 0.42 s")
    opened = [os.pidfd_open(pid) for pid in terminal.children()]
    terminal.hang_up()
    for descriptor in opened:
        assert select.select([descriptor], [], [], 15)[0], "a process outlived its terminal"
        os.close(descriptor)


def test_a_worker_that_is_killed_costs_a_message(open_terminal):
    terminal = started(open_terminal)
    os.kill(terminal.children()[-1], signal.SIGKILL)
    terminal.until_shows("SIGKILL")
    terminal.until_shows("layer 0 head 0")
    terminal.type("r")
    terminal.until_shows("run 2  done")
    terminal.until(lambda: not terminal.shows("SIGKILL"))


def test_stop_and_continue(open_terminal):
    terminal = started(open_terminal)
    terminal.type("\x1a")
    terminal.until_stopped()
    terminal.assert_restored()
    os.killpg(terminal.pid, signal.SIGCONT)  # as a shell does
    terminal.until(lambda: terminal.on_alternate_screen)
    terminal.type(">")
    terminal.until_shows("layer 0 head 1")
    terminal.type("q")
    assert terminal.until_ended() == 0
    terminal.assert_restored()


def test_continue_of_the_parent_alone_wakes_the_application(open_terminal):
    terminal = started(open_terminal)
    terminal.type("\x1a")
    terminal.until_stopped()
    os.kill(terminal.pid, signal.SIGCONT)
    terminal.until(lambda: terminal.on_alternate_screen)
    terminal.type("q")
    assert terminal.until_ended() == 0


def test_under_a_shell_with_job_control(open_terminal, launch):
    line = shlex.join(launch())
    terminal = open_terminal(arguments=["bash", "--norc", "--noprofile", "-i"], PS1="shell> ")
    terminal.until_shows("shell>")
    terminal.type(line + "; echo code $?\n")
    terminal.until_shows("done 0.42 s")
    terminal.type("\x1a")
    terminal.until(lambda: b"Stopped" in terminal.raw)
    assert not terminal.on_alternate_screen
    terminal.type("fg\n")
    terminal.until(lambda: terminal.on_alternate_screen)
    terminal.type("]")
    terminal.until_shows("layer 1 head 0")
    terminal.type("q")
    terminal.until(lambda: not terminal.on_alternate_screen)


@pytest.mark.parametrize("blocked", [False, True])
def test_a_lost_terminal_ends_everything(open_terminal, launch, blocked):
    # With SIGHUP blocked, as under a program that shields its children, only looking at the terminal can tell.
    shield = "import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP])" if blocked else ""
    terminal = open_terminal(arguments=launch(prelude=shield))
    terminal.until_shows("done 0.42 s")
    below = terminal.children()
    terminal.hang_up()
    deadline = time.monotonic() + 15
    while any(alive(pid) for pid in below):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_without_a_terminal_it_says_what_to_use_instead(environment):
    done = subprocess.run(
        [sys.executable, "-m", "faa_tui", "demo"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert done.stdout == ""
    assert "faa analyze demo" in done.stderr
    assert "\x1b" not in done.stderr
