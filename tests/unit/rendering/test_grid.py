from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence

import numpy as np
import pyte
import pytest
from numpy.typing import NDArray
from rich.console import Console, RenderableType

from faa_core.records import Tokens
from faa_tui.rendering.grid import map_grid
from faa_tui.rendering.ramps import RAMPS

Causal = Callable[..., NDArray[np.float32]]
Make = Callable[[Sequence[str]], Tokens]

PIECES = ("the", " golden", "\x1b[31m ratio", "日本", "[bold]", "\n")


def printed(grid: RenderableType, width: int, colours: str | None) -> str:
    out = io.StringIO()
    Console(file=out, width=width, force_terminal=True, color_system=colours, _environ={}).print(grid)
    return out.getvalue()


def grid(weights: NDArray[np.float32], **options: object) -> RenderableType:
    rows = len(weights)
    return map_grid(weights, np.zeros(rows, int), np.arange(1, rows + 1), **options)


def test_a_small_map_is_printed_token_by_token(tokens: Make) -> None:
    weights = np.eye(6, dtype=np.float32)
    out = printed(grid(weights, queries=tokens(PIECES), keys=tokens(PIECES), width=60), 60, "truecolor")
    terminal = pyte.Screen(60, 15)
    pyte.Stream(terminal).feed(out.replace("\n", "\r\n"))
    one, left = "{:02x}{:02x}{:02x}".format(*RAMPS["viridis"].rgb[255]), len("␛[31m·ratio ")
    for row in range(6):
        for line in (2 * row + 1, 2 * row + 2):  # a token is four columns and two lines
            colours = [terminal.buffer[line][x].bg for x in range(left, left + 24)]
            assert [x for x, colour in enumerate(colours) if colour == one] == list(range(4 * row, 4 * row + 4))
    labels = ["".join(terminal.buffer[2 * row + 1][x].data for x in range(left)).strip() for row in range(6)]
    assert labels == ["the", "·golden", "␛[31m·ratio", "日本", "[bold]", "⏎"]


def test_lines_never_exceed_the_width_and_height(causal: Causal, tokens: Make) -> None:
    for size in (1, 2, 7, 50, 300):
        out = printed(grid(causal(size), queries=tokens(["·"] * size), width=40, height=12), 40, None)
        lines = out.splitlines()
        assert all(len(line) <= 40 for line in lines)
        assert len(lines) <= 12 + 3


def test_without_colour_there_are_no_escapes(causal: Causal) -> None:
    out = printed(grid(causal(20), width=60), 60, None)
    assert not re.search("\x1b\\[[34]8;", out)
    assert "@" in out


def test_256_colours_are_those_of_the_checked_ramp(causal: Causal) -> None:
    out = printed(grid(causal(40), width=60), 60, "256")
    numbers = {int(number) for number in re.findall(r"[34]8;5;(\d+)", out)}
    assert "38;2;" not in out
    assert numbers <= set(RAMPS["viridis"].xterm)
    assert len(numbers) > 5


def test_a_large_map_says_that_it_is_reduced(causal: Causal) -> None:
    out = printed(grid(causal(300), width=60, height=20), 60, None)
    assert "each cell is the largest of 8×8 weights" in out


def test_reduction_keeps_a_single_strong_cell() -> None:
    weights = np.zeros((200, 200), np.float32)
    weights[150, 37] = 1
    out = printed(grid(weights, width=60, height=20), 60, None)
    assert sum(line.count("@") for line in out.splitlines()[1:-2]) == 1


def test_it_can_be_exported(causal: Causal, tokens: Make) -> None:
    console = Console(file=io.StringIO(), width=60, record=True, force_terminal=True, color_system="truecolor")
    console.print(grid(causal(6), queries=tokens(PIECES), width=60))
    assert "\x1b" not in (html := console.export_html(clear=False))
    assert "{:02x}{:02x}{:02x}".format(*RAMPS["viridis"].rgb[255]) in html
    assert "▀" in console.export_svg()


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (3,)])
def test_what_is_no_map_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="shape"):
        map_grid(np.zeros(shape), np.zeros(3, int), np.zeros(3, int))
