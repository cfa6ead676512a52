"""Tokens as labels of an axis: every character visible, and no label on another."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from faa_core.figures.fonts import can_draw

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.text import Text
    from matplotlib.transforms import Bbox

LONGEST = 14
"""Characters of a label; the end of a longer token is left out."""
_STEPS = (1, 2, 5)
_POINTS = 7.0  # size of the labels

_MARKS = {"\n": "↵", "\r": "␍", "\t": "⇥"}


def label_of(token: str) -> str:
    """What a token is called on an axis.

    Blanks at the start and at the end are drawn as ␣, line breaks and tabs by signs, other control characters and
    characters that the font does not have by their numbers.
    """
    inner = token.strip(" ")
    before, after = len(token) - len(token.lstrip(" ")), len(token) - len(token.rstrip(" "))
    if not inner:
        before, after = len(token), 0
    shown = "␣" * before + "".join(_sign(character) for character in inner) + "␣" * after
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"


def label_tokens(axes: Axes, side: str, tokens: Sequence[str] | None, count: int) -> None:
    """Name the rows or the columns of a map, as many of them as fit.

    Call it after everything else on the figure has its place: what fits is measured.

    Args:
        axes: Cell i is centred on coordinate i.
        side: ``x`` or ``y``.
        tokens: One for each cell; positions are written where they are not known.
        count: Number of cells.
    """
    axis: Axis = axes.xaxis if side == "x" else axes.yaxis
    names = [str(place) for place in range(count)] if tokens is None else [label_of(token) for token in tokens]
    step = 1
    while True:
        places = range(0, count, step)
        axis.set_ticks(list(places), [names[place] for place in places])
        for label in axis.get_ticklabels():
            label.set_parse_math(False)  # a dollar sign is a token like any other
            if side == "x" and tokens is not None:
                label.set_rotation(90)
        if len(places) <= 1 or not _collide(axes, axis):
            return
        step = _next(step)


def boxes_of(axes: Axes, labels: Sequence[Text]) -> list[Bbox]:
    """Where labels that are seen lie, in pixels."""
    canvas: Any = axes.figure.canvas
    renderer = canvas.get_renderer()
    return [label.get_window_extent(renderer) for label in labels if label.get_text() and label.get_visible()]


def _collide(axes: Axes, axis: Axis) -> bool:
    figure: Any = axes.figure
    figure.draw_without_rendering()
    boxes = boxes_of(axes, axis.get_ticklabels())
    # Labels that all but touch cannot be read either.
    room = 0.1 * figure.dpi * _POINTS / 72
    boxes = [box.padded(room) for box in boxes]
    return any(one.overlaps(other) for one, other in pairwise(boxes))


def _next(step: int) -> int:
    """1, 2, 5, 10, 20, 50: steps that a reader can count by."""
    scale = 1
    while True:
        for part in _STEPS:
            if part * scale > step:
                return part * scale
        scale *= 10


def _sign(character: str) -> str:
    if character in _MARKS:
        return _MARKS[character]
    if not character.isprintable() or not can_draw(character):
        return f"\\u{ord(character):04x}"
    return character
