"""One map as an SVG of its own: the picture of a report, with the tokens along its edges."""

from __future__ import annotations

from html import escape
from typing import Final

from faa_core.report.pictures import Picture

_MOST: Final = 900
"""Pixels of the longer side, unless the map has more cells."""
_LABEL: Final = 7
"""Pixels of a character of a label."""
_MARGIN: Final = 12


def map_svg(picture: Picture, title: str) -> str:
    """A picture with its title, its ticks, and a line that says what a cell and its colour are.

    Args:
        picture: The map.
        title: A line above it.
    """
    scale = max(1, _MOST // max(picture.width, picture.height))
    width, height = picture.width * scale, picture.height * scale
    left = _MARGIN + _LABEL * max((len(tick.text) for tick in picture.rows), default=0) + 6
    below = _LABEL * max((len(tick.text) for tick in picture.columns), default=0) + 12
    top = 2 * _MARGIN + 16
    whole = (left + width + _MARGIN, top + height + below + 2 * _MARGIN + 12)
    side = picture.size
    cell = f"a cell is the largest of {side}×{side} weights" if side > 1 else "a cell is a weight"
    rows = "".join(
        f'<text x="{left - 6}" y="{top + _share(tick.at) * height + 4:.1f}" text-anchor="end">'
        f"{escape(tick.text)}</text>"
        for tick in picture.rows
    )
    columns = "".join(
        f'<text transform="translate({left + _share(tick.at) * width + 4:.1f} {top + height + 6}) rotate(-90)" '
        f'text-anchor="end">{escape(tick.text)}</text>'
        for tick in picture.columns
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole[0]}" height="{whole[1]}" '
        f'viewBox="0 0 {whole[0]} {whole[1]}" font-family="monospace" font-size="11">\n'
        f"<title>{escape(title)}</title>\n"
        f'<rect width="100%" height="100%" fill="#ffffff"/>\n'
        f'<text x="{left}" y="{_MARGIN + 12}" font-size="14">{escape(title)}</text>\n'
        f'<image x="{left}" y="{top}" width="{width}" height="{height}" preserveAspectRatio="none" '
        f'style="image-rendering:pixelated" href="{picture.source}"/>\n'
        f'<rect x="{left - 0.5}" y="{top - 0.5}" width="{width + 1}" height="{height + 1}" fill="none" '
        f'stroke="#808080"/>\n{rows}\n{columns}\n'
        f'<text x="{left}" y="{whole[1] - _MARGIN}">rows are queries, columns keys; {cell}, by the square root from 0 '
        f"(dark) to 1 (light)</text>\n</svg>\n"
    )


def _share(at: str) -> float:
    return float(at.removesuffix("%")) / 100
