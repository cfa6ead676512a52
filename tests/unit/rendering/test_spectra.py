from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from msgspec.structs import replace

from faa_core.findings import HeadExamination, Quantity
from faa_core.records import LayerResult, RenyiSpectrum, status_code
from faa_tui.rendering.spectra import Orders, dimensions, singularities

Layer = Callable[..., LayerResult]
Q = np.array([0.0, 1.0, 2.0, 5.0, np.inf])


def with_spectrum(layer: LayerResult, value: list[float], error: list[float], status: list[str]) -> LayerResult:
    codes = np.array([[status_code(name) for name in status]], np.uint8)
    record = RenyiSpectrum(Q, np.array([8, 4]), np.zeros((1, len(Q), 2)), np.array([value]), np.array([error]), codes)
    return replace(layer, spectrum=record)


def test_dimensions_with_bars_and_infinity_at_the_right_edge(layer_of: Layer) -> None:
    nan = float("nan")
    layer = with_spectrum(
        layer_of(), [1.9, 1.7, 1.6, 1.4, 1.2], [0.1, 0.05, 0.05, 0.2, nan], ["ok"] * 4 + ["no_scaling"]
    )
    page = dimensions(layer, 0)
    infinity = Orders([Q]).infinity
    assert infinity > 5
    by_symbol = {series.symbol: series for series in page.series}
    assert by_symbol["●"].x.tolist() == [0, 1, 2, 5]
    assert by_symbol["●"].y.tolist() == [1.9, 1.7, 1.6, 1.4]
    assert by_symbol["○"].x.tolist() == [infinity]
    assert by_symbol["○"].y.tolist() == [1.2]
    bars = by_symbol["│"]
    for q, low, high in ((0, 1.8, 2.0), (1, 1.65, 1.75), (2, 1.55, 1.65), (5, 1.2, 1.6)):
        heights = bars.y[bars.x == q]
        assert (heights.min(), heights.max()) == pytest.approx((low, high))
    assert set(bars.x) == {0, 1, 2, 5}
    assert [(rule.direction, rule.at) for rule in page.rules] == [("horizontal", 2.0)]
    assert page.across(60).ticks[-1] == (infinity, "∞")
    assert page.status == "no_scaling at 1 of 5 orders"
    assert page.title == ["D_q over q", "q 0: 1.90", "q ∞: 1.20", "null 2"]


def test_a_spectrum_that_is_sure_says_ok_and_one_that_is_not_there_says_why(layer_of: Layer) -> None:
    sure = with_spectrum(layer_of(), [1.9, 1.7, 1.6, 1.4, 1.2], [0.1] * 5, ["ok"] * 5)
    assert dimensions(sure, 0).status == "ok"
    assert dimensions(layer_of(), 0).nothing == "no data: this run has no spectra; {run} measures it again"
    short = with_spectrum(layer_of(), [np.nan] * 5, [np.nan] * 5, ["too_few_scales"] * 5)
    assert dimensions(short, 0).nothing.startswith("no data: fewer than four box sizes fit")
    assert dimensions(short, 0).status == "too_few_scales"


def examination(alpha: list[float], f: list[float], status: str = "ok") -> HeadExamination:
    quantities = (Quantity("alpha_width", 1.0, status, 1.0),)
    numbers = np.array(alpha), np.array(f)
    return HeadExamination("decoder", 0, 0, 9, 9, quantities, (), np.zeros(len(alpha)), numbers[0], *numbers, 0.1)


def test_f_of_alpha_is_that_of_the_examination_and_never_made_up(layer_of: Layer) -> None:
    page = singularities(examination([2.5, 1.5, 1.0, np.nan], [1.9, 1.4, 0.5, np.nan]))
    by_symbol = {series.symbol: series for series in page.series}
    assert by_symbol["●"].x.tolist() == [2.5, 1.5, 1.0]
    assert by_symbol["●"].y.tolist() == [1.9, 1.4, 0.5]
    assert (by_symbol["×"].x.tolist(), by_symbol["×"].y.tolist()) == ([2.0], [2.0])
    assert page.title == ["f(alpha)", "alpha 1.00 to 2.50"]
    assert page.status == "ok"
    assert (
        singularities(None).nothing == "no data: a run does not measure f(alpha); {examine} measures it for this head"
    )
    nothing = singularities(examination([np.nan], [np.nan], "too_few_scales"))
    assert nothing.nothing.startswith("no data: fewer than four box sizes fit")
