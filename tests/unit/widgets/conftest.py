from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.style import Style
from textual import on
from textual.app import App, ComposeResult
from textual.message import Message
from textual.pilot import Pilot
from textual.widget import Widget

from faa_core.comparison.records import Comparison, Differences, Head, HeadPair, Matching, Side
from faa_core.records import BoxCounts, LayerInfo, LayerResult, ModelInfo, Statistics, Tokens
from faa_tui.rendering.tiles import pool
from faa_tui.widgets.comparison_plot import ComparisonPlot
from faa_tui.widgets.difference_map import DifferenceMap
from faa_tui.widgets.filtered_table import FilteredTable
from faa_tui.widgets.head_matrix import HeadMatrix
from faa_tui.widgets.heat_map import HeatMap
from faa_tui.widgets.token_strip import TokenStrip


@pytest.fixture(autouse=True)
def _truecolor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")


Scenario = Callable[["Pane", Pilot[None]], Awaitable[None]]


class Pane(App[None]):
    """One widget that fills the screen, and the messages that it sent."""

    CSS = "Screen > * { width: 100%; height: 100%; }"

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.widget = widget
        self.sent: list[Message] = []
        self.source: NDArray[np.floating] | None = None
        """The map from which a heat map's wishes are granted; ``None`` grants nothing."""

    def compose(self) -> ComposeResult:
        yield self.widget

    def on_mount(self) -> None:
        self.widget.focus()

    def on_heat_map_block_wanted(self, message: HeatMap.BlockWanted) -> None:
        self.sent.append(message)
        if self.source is not None:
            self.grant(message)

    def grant(self, message: HeatMap.BlockWanted) -> None:
        assert self.source is not None
        cells = pool(self.source.astype(np.float16), 1 << message.level)
        block = cells[message.row : message.row_stop, message.column : message.column_stop]
        message.heat_map.put(message.address, message.level, message.row, message.column, block)

    def on_heat_map_cursor_moved(self, message: HeatMap.CursorMoved) -> None:
        self.sent.append(message)

    def on_difference_map_cursor_moved(self, message: DifferenceMap.CursorMoved) -> None:
        self.sent.append(message)

    def on_heat_map_view_changed(self, message: HeatMap.ViewChanged) -> None:
        self.sent.append(message)

    def on_head_matrix_head_selected(self, message: HeadMatrix.HeadSelected) -> None:
        self.sent.append(message)

    def on_token_strip_token_selected(self, message: TokenStrip.TokenSelected) -> None:
        self.sent.append(message)

    def on_comparison_plot_picked(self, message: ComparisonPlot.Picked) -> None:
        self.sent.append(message)

    @on(FilteredTable.RowSelected)
    def _row_selected(self, message: FilteredTable.RowSelected) -> None:
        self.sent.append(message)

    @property
    def lines(self) -> list[str]:
        """What the widget shows, as text."""
        return [strip.text for strip in self.widget.render_lines(self.widget.size.region)]

    def style_at(self, x: int, y: int) -> Style:
        """Style of a cell of the widget."""
        for segment in self.widget.render_lines(self.widget.size.region)[y]:
            x -= segment.cell_length
            if x < 0:
                return segment.style or Style.null()
        raise IndexError


@pytest.fixture
def drive() -> Callable[..., None]:
    """Runs a scenario with a widget in a headless application."""

    def run(widget: Widget, scenario: Scenario, size: tuple[int, int] = (80, 24)) -> None:
        async def main() -> None:
            app = Pane(widget)
            async with app.run_test(size=size) as pilot:
                await pilot.pause()
                await scenario(app, pilot)

        asyncio.run(main())

    return run


@pytest.fixture(params=[(80, 24), (200, 50)], ids=["80x24", "200x50"])
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return request.param


@pytest.fixture
def tokens() -> Callable[..., Tokens]:
    def make(count: int, *pieces: str) -> Tokens:
        named = (*pieces, *(f" t{index}" for index in range(len(pieces), count)))[:count]
        return Tokens(tuple(range(count)), named, ((0, 0),) * count, (False,) * count)

    return make


@pytest.fixture
def pieces(tokens: Callable[..., Tokens]) -> Callable[..., tuple[str, ...]]:
    """What so many tokens stand for."""
    return lambda count, *named: tokens(count, *named).pieces


@pytest.fixture
def layer() -> Callable[..., LayerResult]:
    """A layer of one head with causal support and a box-counting curve."""

    def make(queries: int, keys: int | None = None) -> LayerResult:
        columns = queries if keys is None else keys
        rows = np.arange(queries, dtype=np.int32)
        stop = rows + 1 if keys is None else np.full(queries, columns, np.int32)
        sizes = 2 ** np.arange(9)
        grid = 256 // sizes
        return LayerResult(
            LayerInfo("decoder", 0, 1, "causal"),
            queries,
            columns,
            np.zeros_like(rows),
            stop.astype(np.int32),
            Statistics(("D0",), np.array([[1.5]]), np.array([[1.9]]), np.array([[0.1]]), np.zeros((1, 1), np.uint8)),
            (),
            BoxCounts(
                sizes,
                np.log(grid),
                np.rint(grid**1.5).astype(np.int64)[None],
                grid * (grid + 1) // 2,
                np.array([1], np.int16),
                np.array([6], np.int16),
                np.array([0.0]),
                np.array([1.5]),
                np.array([1.0]),
                np.array([[1.5]]),
            ),
        )

    return make


@pytest.fixture
def weights() -> Callable[..., NDArray[np.float32]]:
    """A random causal map of softmax rows."""

    def make(count: int, seed: int = 0) -> NDArray[np.float32]:
        scores = np.random.default_rng(seed).normal(size=(count, count)) * 2
        scores[np.triu_indices(count, 1)] = -np.inf
        weights = np.exp(scores - scores.max(1, keepdims=True))
        return (weights / weights.sum(1, keepdims=True)).astype(np.float32)

    return make


@pytest.fixture
def comparison() -> Callable[..., Comparison]:
    """Two models of so many layers of eight heads, with the statistic ``entropy`` of every pair over some texts."""

    def make(layers: int = 4, texts: int = 5) -> Comparison:
        random, pairs = np.random.default_rng(0), []
        for layer in range(layers):
            pairs += [
                HeadPair(Head("decoder", layer, head), Head("decoder", layer, 7 - head), 0.1, "divergence")
                for head in range(8)
            ]
        count = len(pairs)
        a, difference = random.uniform(0, 2, (1, count)), random.normal(0, 0.3, (1, count))
        a[0, 5] = difference[0, 5] = np.nan
        nothing = np.full((1, count), np.nan)
        q = np.where(np.abs(difference) > 0.3, 0.01, 0.5) if texts > 1 else nothing
        model = ModelInfo("demo", "Demo", "", "cpu", "float32", "sdpa", "interface", 0, None, "", (), {})
        side = Side("demo", "here", model, (100,) * texts)
        labels = tuple(("induction", "previous token", "mixed", "first token (sink)")[at % 4] for at in range(count))
        return Comparison(
            side,
            side,
            "tokens",
            (100,) * texts,
            Matching(tuple(pairs), (), (), ()),
            Differences(
                ("entropy",),
                a,
                a + difference,
                difference,
                nothing,
                difference - 0.1 if texts > 1 else nothing,
                difference + 0.1 if texts > 1 else nothing,
                q,
                q,
                difference * 3 if texts > 1 else nothing,
                np.full((1, count), texts, np.int32),
            ),
            random.uniform(0, 0.5, count),
            nothing[0],
            nothing[0],
            labels,
            labels[::-1],
            (),
            (),
            0,
        )

    return make
