from __future__ import annotations

import numpy as np
import pytest

from faa_tui.rendering.ramps import RAMPS
from faa_tui.rendering.scales import DIFFERENCE_SCALES
from faa_tui.widgets.difference_map import DifferenceMap
from faa_tui.widgets.heat_map import HeatMap, MapAddress

A, B = MapAddress(1, "decoder", 0, 0), MapAddress(2, "decoder", 0, 3)


def moved(app):
    return [message for message in app.sent if isinstance(message, DifferenceMap.CursorMoved)]


def show(app, layer, pieces, n):
    app.widget.show(A, layer(n), B, layer(n), pieces(n), pieces(n))


def give(app, a, b):
    for address, source in ((A, a), (B, b)):
        app.widget.put(address, 0, 0, 0, source)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50)])
def test_it_asks_for_both_sides_once_and_reads_both(drive, layer, pieces, weights, size):
    async def scenario(app, pilot):
        a, b = weights(30, 1), weights(30, 2)
        show(app, layer, pieces, 30)
        await pilot.pause()
        wishes = [m.address for m in app.sent if isinstance(m, HeatMap.BlockWanted)]
        assert wishes == [A, B]
        give(app, a, b)
        await pilot.pause()
        await pilot.press(*["down"] * 7, *["l"] * 3)
        last = moved(app)[-1]
        halves = [np.float32(np.float16(side[7, 3])) for side in (a, b)]
        assert (last.query, last.key, last.exact) == (7, 3, True)
        assert [last.a.weight, last.b.weight] == halves
        assert last.weight == pytest.approx(halves[1] - halves[0])
        assert last.lift == pytest.approx(8 * (halves[1] - halves[0]))
        assert app.widget.reading == app.widget._map.reading(app.widget._view, 7, 3)
        assert "difference" in app.lines[-1]

    drive(DifferenceMap(), scenario, size)


def test_half_of_it_is_not_drawn_as_a_difference(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        show(app, layer, pieces, 30)
        app.widget.put(A, 0, 0, 0, weights(30))
        await pilot.pause()
        assert np.isnan(moved(app)[-1].weight)
        app.widget.put(B, 0, 0, 0, weights(30))
        await pilot.pause()
        assert moved(app)[-1].weight == 0

    drive(DifferenceMap(), scenario)


def test_every_scale_is_drawn_from_its_own_table(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        show(app, layer, pieces, 30)
        give(app, weights(30, 1), weights(30, 2))
        await pilot.pause()
        seen = set()
        for scale in DIFFERENCE_SCALES:
            app.widget.scale = scale
            await pilot.pause()
            seen.add("".join(strip.render(app.console) for strip in app.widget.render_lines(app.widget.size.region)))
            assert DIFFERENCE_SCALES[scale].title in app.lines[-1]
            assert app.lines[-1].split()[0] == ("1/64" if scale == "lift" else "-1")
        assert len(seen) == 4

    drive(DifferenceMap(), scenario)


def test_above_life_size_the_legend_says_what_a_pixel_is(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        show(app, layer, pieces, 300)
        give(app, weights(300, 1), weights(300, 2))
        await pilot.pause()
        size = app.widget.cell_size
        assert size > 1
        assert f"pixel: difference of max of {size}×{size}" in app.lines[-1]

    drive(DifferenceMap(), scenario, (120, 40))


def test_equal_maps_are_the_middle_of_the_ramp(drive, layer, pieces, weights):
    async def scenario(app, pilot):
        show(app, layer, pieces, 30)
        give(app, weights(30), weights(30))
        await pilot.pause()
        app.widget.move_cursor(29, 29)
        await pilot.pause()
        assert app.style_at(app.widget.size.width // 2 - 20, 12).color.triplet == RAMPS["diverging"].rgb[128]

    drive(DifferenceMap(), scenario)


def test_maps_of_two_sizes_have_no_difference(drive, layer, pieces):
    async def scenario(app, pilot):
        with pytest.raises(ValueError, match="no difference"):
            app.widget.show(A, layer(30), B, layer(31), pieces(30), pieces(30))
        app.widget.clear()
        assert app.widget.addresses == ()
        assert app.widget.reading is None

    drive(DifferenceMap(), scenario)


def test_no_color_means_no_colour_but_a_sign(drive, layer, pieces, weights, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    async def scenario(app, pilot):
        show(app, layer, pieces, 30)
        give(app, weights(30, 1), weights(30, 2))
        await pilot.pause()
        out = "".join(strip.render(app.console) for strip in app.widget.render_lines(app.widget.size.region))
        assert "38;" not in out
        assert "48;" not in out
        text = "".join(app.lines[1:-1])
        assert "+" in text
        assert "=" in text
        assert app.lines[-1].split()[1].startswith("O")

    drive(DifferenceMap(), scenario)


@pytest.mark.parametrize(("n", "budget"), [(200, 150_000), (20, 24_000)])
def test_bytes_of_a_frame(drive, layer, pieces, n, budget):
    async def scenario(app, pilot):
        near = np.tril(np.exp(-np.subtract.outer(np.arange(n), np.arange(n)) / 4.0)) * 0.2
        show(app, layer, pieces, n)
        give(app, near, np.roll(near, 1, 1))
        await pilot.pause()
        frame = app.widget.render_lines(app.widget.size.region)
        assert sum(len(strip.render(app.console).encode()) for strip in frame) <= budget

    drive(DifferenceMap(), scenario, (200, 50))


@pytest.mark.parametrize("pane", [(1, 1), (3, 2), (35, 7), (36, 8)])
def test_panes_of_any_size(drive, layer, pieces, weights, pane):
    async def scenario(app, pilot):
        show(app, layer, pieces, 50)
        give(app, weights(50), weights(50, 1))
        await pilot.press("down", "right", "plus", "minus")
        assert len(app.lines) == pane[1]

    drive(DifferenceMap(), scenario, pane)
