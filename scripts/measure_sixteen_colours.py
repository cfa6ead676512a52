"""Whether a map is read better in the sixteen colours of a terminal or in glyphs: how many steps always rise.

A ramp must rise in lightness on whatever palette the terminal has. For each palette the sixteen colours have a
lightness (CIE L*); the script looks for the longest run of colours that rises by enough on all of them at once, and
beside it counts the steps of the glyphs, by the share of a cell that is inked (DejaVu Sans Mono, 64 pixels).

    python scripts/measure_sixteen_colours.py      (needs matplotlib for the glyphs)
"""

from __future__ import annotations

import itertools

import numpy as np

from faa_tui.rendering.cells import DENSITY
from faa_tui.rendering.ramps import luminance

LEAST = 5.0
"""Difference of L* that is seen at a glance between neighbours."""
# ruff: noqa: E501
PALETTES = {
    "xterm": "000000 cd0000 00cd00 cdcd00 0000ee cd00cd 00cdcd e5e5e5 7f7f7f ff0000 00ff00 ffff00 5c5cff ff00ff 00ffff ffffff",
    "VGA": "000000 aa0000 00aa00 aa5500 0000aa aa00aa 00aaaa aaaaaa 555555 ff5555 55ff55 ffff55 5555ff ff55ff 55ffff ffffff",
    "Tango": "2e3436 cc0000 4e9a06 c4a000 3465a4 75507b 06989a d3d7cf 555753 ef2929 8ae234 fce94f 729fcf ad7fa8 34e2e2 eeeeec",
    "Campbell": "0c0c0c c50f1f 13a10e c19c00 0037da 881798 3a96dd cccccc 767676 e74856 16c60c f9f1a5 3b78ff b4009e 61d6d6 f2f2f2",
    "Terminal.app": "000000 990000 00a600 999900 0000b2 b200b2 00a6b2 bfbfbf 666666 e50000 00d900 e5e500 0000ff e500e5 00e5e5 e5e5e5",
    "Solarized": "073642 dc322f 859900 b58900 268bd2 d33682 2aa198 eee8d5 002b36 cb4b16 586e75 657b83 839496 6c71c4 93a1a1 fdf6e3",
}  # fmt: skip


def lightness(colour: str) -> float:
    """CIE L* of a colour in hexadecimal."""
    red, green, blue = bytes.fromhex(colour)
    y = luminance((red, green, blue))
    return 116 * y ** (1 / 3) - 16 if y > 216 / 24389 else y * 24389 / 27


def longest_rise(table: np.ndarray) -> list[int]:
    """Longest sequence of columns that rises by `LEAST` in every row of ``table`` [palettes, colours]."""
    best: dict[int, list[int]] = {}
    for column in np.argsort(table.mean(0), kind="stable").tolist():
        before = [best[other] for other in best if (table[:, column] - table[:, other] >= LEAST).all()]
        best[column] = [*max(before, key=len, default=[]), column]
    return max(best.values(), key=len)


def ink(glyph: str) -> float:
    """Share of a cell of DejaVu Sans Mono that a glyph inks."""
    from matplotlib.font_manager import FontProperties, findfont
    from matplotlib.ft2font import FT2Font

    font = FT2Font(findfont(FontProperties(family="DejaVu Sans Mono")))
    font.set_size(64, 72)
    font.set_text(glyph)
    font.draw_glyphs_to_bitmap()
    # A cell is 0.602 em wide and 1.164 em high.
    return float(np.asarray(font.get_image()).sum() / 255 / (0.602 * 1.164 * 64 * 64))


def main() -> None:
    names, table = list(PALETTES), np.array([[lightness(c) for c in p.split()] for p in PALETTES.values()])
    for name, row in zip(names, table, strict=True):
        print(f"{name:13} alone {len(longest_rise(row[None])):2} steps: {longest_rise(row[None])}")
    without = [name for name in names if name != "Solarized"]
    few = longest_rise(table[[names.index(name) for name in without]])
    print(f"all but Solarized {len(few)} steps: {few};  all {len(longest_rise(table))}: {longest_rise(table)}")
    inks = [ink(glyph) for glyph in DENSITY]
    print("glyphs", " ".join(f"{glyph} {100 * share:.0f}%" for glyph, share in zip(DENSITY, inks, strict=True)))
    print(f"glyphs rise in {1 + sum(b > a for a, b in itertools.pairwise(inks))} steps of {len(DENSITY)}")


if __name__ == "__main__":
    main()
