"""Fonts of the figures: the one that matplotlib brings, and behind it those of the system for the scripts it lacks."""

from __future__ import annotations

import functools
import logging

BASE = "DejaVu Sans"
"""Comes with matplotlib: Latin, Greek, Cyrillic, Hebrew, Arabic and most signs, but no Chinese, Japanese or Korean."""

CJK = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK KR", "Noto Sans CJK TC"),
    *("Source Han Sans SC", "Source Han Sans", "Noto Sans SC", "Noto Sans JP", "Noto Sans KR"),
    *("WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback"),
    *("IPAexGothic", "IPAGothic", "TakaoGothic", "VL Gothic", "NanumGothic", "UnDotum"),
    *("PingFang SC", "Hiragino Sans", "Hiragino Sans GB", "Apple SD Gothic Neo", "Arial Unicode MS"),
    *("Microsoft YaHei", "SimHei", "Yu Gothic", "MS Gothic", "Malgun Gothic"),
)
"""Fonts of Linux, macOS and Windows, those of all three languages first."""

_log = logging.getLogger(__name__)


def families() -> list[str]:
    """Names for ``font.family``, of which matplotlib takes for each character the first that has it."""
    from matplotlib.font_manager import fontManager

    installed = {entry.name for entry in fontManager.ttflist}
    return [BASE, *(name for name in CJK if name in installed)]


def can_draw(character: str) -> bool:
    """Whether a font of the figures has the character. The first time that none has, a line of the log says so."""
    if ord(character) in _characters(_file(BASE)):
        return True
    if any(ord(character) in _characters(_file(family)) for family in families()[1:]):
        return True
    _say_once()
    return False


def _file(family: str) -> str:
    from matplotlib.font_manager import FontProperties, findfont

    return str(findfont(FontProperties(family=family)))


@functools.cache
def _characters(file: str) -> frozenset[int]:
    from matplotlib.font_manager import get_font

    return frozenset(get_font(file).get_charmap())


@functools.cache
def _say_once() -> None:
    _log.warning(
        "No font here has every character of these tokens; those that are missing are drawn as their codes. "
        "For Chinese, Japanese and Korean install Noto Sans CJK (on Debian: apt-get install fonts-noto-cjk)."
    )
