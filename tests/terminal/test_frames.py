"""Bytes of the whole application on a terminal that answers, and on one that does not."""

import sys

import numpy as np
import pytest

QUESTION = b"\x1b[6n"
MOVING_BYTES = 75_000


def answering(terminal):
    """Let a terminal say where its cursor is."""
    terminal.answer(QUESTION, "\x1b[1;1R")
    return terminal


@pytest.fixture(scope="module")
def noise(tmp_path_factory):
    """A file of attention that is hard to send: independent noise, two heads of 512 tokens."""
    random, n = np.random.default_rng(0), 512
    weights = np.exp(np.where(np.triu(np.ones((n, n), bool), 1), -np.inf, 1.5 * random.normal(size=(2, n, n))))
    path = tmp_path_factory.mktemp("maps") / "noise.npy"
    np.save(path, (weights / weights.sum(-1, keepdims=True)).astype(np.float32)[None])
    return path


def drain(terminal):
    """Read all that is on its way; a map that rests sends nothing more."""
    read = -1
    while len(terminal.raw) > read:
        read = len(terminal.raw)
        terminal.pump(0.5)


def frames(terminal, keys):
    """Press keys as if they were held, one press a frame; the bytes of each frame but that of the first press.

    A question ends a frame. One read may bring several of them, so they are told apart afterwards.
    """
    drain(terminal)
    begin = len(terminal.raw)
    for key in keys:
        asked = terminal.raw.count(QUESTION)
        terminal.type(key)
        terminal.until(lambda asked=asked: terminal.raw.count(QUESTION) > asked)
    return [len(frame) for frame in terminal.raw[begin:].split(QUESTION)[1:-1]]


def colours(terminal):
    """How many colours there are on the screen."""
    cells = (cell for line in terminal.screen.buffer.values() for cell in line.values())
    return len({colour for cell in cells for colour in (cell.fg, cell.bg)})


def test_a_held_key_sends_drafts_within_their_budget_and_then_the_exact_map(open_terminal, noise):
    arguments = [sys.executable, "-m", "faa_tui", str(noise), "--device", "cpu"]
    terminal = answering(open_terminal(arguments=arguments, size=(200, 50), COLORTERM="truecolor"))
    terminal.until_shows("done", 60)
    terminal.type("4zC")  # the map alone, on the log scale
    terminal.until_shows("weight, log")
    terminal.type("++++")
    terminal.until(lambda: colours(terminal) > 100)
    sizes = frames(terminal, "J" * 13)
    assert len(sizes) >= 12
    assert max(sizes) <= MOVING_BYTES, sizes
    assert colours(terminal) < 60
    terminal.until(lambda: colours(terminal) > 100)
    sizes = frames(terminal, "><>")
    assert len(sizes) >= 2
    assert max(sizes) <= MOVING_BYTES, sizes
    terminal.type("q")
    assert terminal.until_ended() == 0
    terminal.assert_restored()


def test_a_terminal_that_does_not_answer_is_not_waited_for(open_terminal):
    terminal = open_terminal(size=(200, 50))
    terminal.until_shows("done 0.42 s")
    for head in range(1, 8):
        terminal.type(">")
        terminal.until_shows(f"layer 0 head {head}", 1.5)  # less than the patience with one that has answered
    assert terminal.raw.count(QUESTION) <= 6
    terminal.type("q")
    assert terminal.until_ended() == 0


def test_no_answer_is_left_for_the_shell(open_terminal):
    terminal = answering(open_terminal(size=(200, 50)))
    terminal.until_shows("done 0.42 s")
    terminal.type(">>>>>q")
    terminal.until(lambda: not terminal.on_alternate_screen)
    assert QUESTION not in terminal.raw[terminal.raw.rfind(b"\x1b[?1049l") :]
    assert terminal.until_ended() == 0


@pytest.mark.parametrize(
    "extra",
    [
        {"LANG": "C", "TERM": "vt100"},
        {"LC_ALL": "de_DE.ISO-8859-1", "TERM": "xterm-256color"},
        {"LANG": "C", "TERM": "linux"},
    ],
    ids=["C on a vt100", "Latin-1 in 256 colours", "C on the Linux console"],
)
def test_a_terminal_without_utf_8_gets_ascii_only(open_terminal, extra):
    terminal = open_terminal(size=(200, 50), **extra)
    terminal.until_shows("done 0.42 s")
    terminal.until_shows("layer 0 head 0")
    for keys, text in ((">", "layer 0 head 1"), ("?", "Go to pane 2")):
        terminal.type(keys)
        terminal.until_shows(text)
    assert terminal.raw.isascii()
    assert terminal.shows("+- 1 Models")
    colours = {"vt100": 0, "linux": 8, "xterm-256color": 240}[extra["TERM"]]
    assert (b"[38;5;" in terminal.raw or b";38;5;" in terminal.raw) is (colours > 8)
    assert b"8;2;" not in terminal.raw


@pytest.mark.parametrize("extra", [{"NO_COLOR": "1"}, {"TERM": "vt100"}])
def test_without_colour_there_is_not_even_grey(open_terminal, extra):
    terminal = open_terminal(size=(200, 50), **extra)
    terminal.until_shows("layer 0 head 0")
    terminal.type(">")
    terminal.until_shows("layer 0 head 1")
    cells = [cell for line in terminal.screen.buffer.values() for cell in line.values()]
    assert {(cell.fg, cell.bg) for cell in cells} == {("default", "default")}
    assert any(cell.reverse for cell in cells)
    assert any(cell.bold for cell in cells)
