"""What the application writes to terminals of several kinds, and what their keys do."""

import re
import sys

from faa_tui.colour import detect

BEGIN, END = b"\x1b[?2026h", b"\x1b[?2026l"
WHOLE = re.compile(re.escape(BEGIN) + b".*?" + re.escape(END), re.DOTALL)
TEXT = "one two three four five six seven one two three four five"
ASKED = b"\x1b[?2026$p"
SEQUENCE = re.compile(rb"\x1b(\[[0-?]*[ -/]*[@-~]|\].*?\x07)")


def picture(terminal):
    """Every cell below the top line, which tells how the worker is."""
    screen = terminal.screen
    return [[screen.buffer[y][x] for x in range(screen.columns)] for y in range(1, screen.lines)]


def test_frames_are_whole_where_the_terminal_can_hold_them_back_and_the_same_everywhere(open_terminal, tmp_path):
    # The narrow screen has no pane of runs, whose times of day would differ.
    can, silent, cannot = terminals = [
        open_terminal(size=(80, 24), COLORTERM="truecolor", XDG_STATE_HOME=str(tmp_path / name)) for name in "abc"
    ]
    can.answer(ASKED, "\x1b[?2026;2$y")
    cannot.answer(ASKED, "\x1b[?2026;0$y")  # it has never heard of that mode
    for terminal in terminals:
        terminal.until_shows(" → ")  # the cursor is on the map
        terminal.type("]>")
    for terminal in terminals:
        terminal.until_shows("layer 1 head 1")

    def look_the_same():
        for terminal in (silent, cannot):
            terminal.pump(0)
        return picture(can) == picture(silent) == picture(cannot)

    can.until(look_the_same)
    frames = can.raw[can.raw.index(BEGIN) : can.raw.rindex(END) + len(END)]
    assert frames.count(BEGIN) > 3
    assert SEQUENCE.sub(b"", WHOLE.sub(b"", frames)) == b""  # nothing is drawn between them
    for terminal in terminals:
        terminal.type("q")
    for terminal in terminals:
        assert terminal.until_ended() == 0
        terminal.assert_restored()
    assert can.raw.rindex(END) > can.raw.rindex(BEGIN)
    for terminal in (silent, cannot):
        assert BEGIN not in terminal.raw
        assert END not in terminal.raw


XTERM = {"home": "\x1bOH", "end": "\x1bOF", "pgup": "\x1b[5~", "pgdn": "\x1b[6~", "f1": "\x1bOP", "down": "\x1bOB"}
TMUX = {**XTERM, "home": "\x1b[1~", "end": "\x1b[4~", "down": "\x1b[B"}
KEYS = {
    "xterm-256color": XTERM,
    "tmux-256color": TMUX,
    "screen-256color": TMUX,
    "linux": {**TMUX, "f1": "\x1b[[A"},
}
"""What is sent for a key, by the terminal database or, for arrows, as in the ordinary mode."""


def test_colours_are_those_the_doctor_tells_and_keys_arrive(open_terminal, environment):
    opened = {name: open_terminal(text=TEXT, size=(200, 50), TERM=name) for name in KEYS}
    for name, terminal in opened.items():
        keys = KEYS[name]
        terminal.until_shows("query 9 ")
        terminal.type("4g" + keys["home"] + keys["down"])
        terminal.until_shows("query 1 ")
        terminal.until_shows("key 0 ")
        terminal.type(keys["end"])
        terminal.until_shows("key 11 ")
        terminal.type(keys["pgdn"])
        terminal.until(lambda terminal=terminal: terminal.shows("query ") and not terminal.shows("query 1 "))
        terminal.type(keys["pgup"])
        terminal.until_shows("query 1 ")
        terminal.type(keys["f1"])
        terminal.until_shows("Keys that work here")
        told = detect({**environment, "TERM": name}).colours
        assert told == ("16" if name == "linux" else "256")
        assert (b"8;5;" in terminal.raw) is (told == "256")
        assert b"8;2;" not in terminal.raw


def test_a_terminal_that_cannot_move_its_cursor_is_told_what_to_use_instead(open_terminal):
    terminal = open_terminal([sys.executable, "-m", "faa_tui", "demo"], TERM="dumb")
    assert terminal.until_ended() == 2
    assert b"\x1b" not in terminal.raw
    said = " ".join(" ".join(terminal.screen.display).split())
    assert "TERM=dumb" in said
    assert "faa analyze demo" in said
    assert "TERM=xterm-256color faa" in said
    assert terminal.same_modes
