"""How a comparison is laid out and drawn: maps that move together, their difference, the numbers of every pair."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import zip_longest

import numpy as np
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.reactive import var
from textual.timer import Timer
from textual.widgets import Footer, Static

from faa_core.catalogue import BY_KEY, Entry
from faa_core.comparison.order import RATE
from faa_core.comparison.records import Comparison, Head
from faa_core.records import MapKind
from faa_tui.comparing import Comparing
from faa_tui.comparison_tables import LETTERS, difference_table, plot_view
from faa_tui.comparison_words import head_line, map_title, remarks, warning_line
from faa_tui.live_keys import key_of
from faa_tui.messages import TileKey
from faa_tui.rendering.attention_map import MapAddress, MapShape
from faa_tui.rendering.choices import MapColours
from faa_tui.rendering.kept_map import KeptMap
from faa_tui.rendering.tiles import CACHE_BYTES, TILE, TileCache
from faa_tui.rendering.without_first import WithoutFirst
from faa_tui.screens.paned import MIN_SIZE, PanedScreen
from faa_tui.session import Position
from faa_tui.widgets.comparison_plot import ComparisonPlot
from faa_tui.widgets.difference_map import DifferenceMap
from faa_tui.widgets.difference_readout import DifferenceReadout
from faa_tui.widgets.head_matrix import HeadMatrix
from faa_tui.widgets.heat_map import HeatMap
from faa_tui.widgets.notice import Notice
from faa_tui.widgets.pair_table import PairTable
from faa_tui.widgets.pane import Pane

REDRAW_SECONDS = 0.05
"""Arrivals are drawn at most this often."""
REST_SECONDS = 0.06
"""How long the user rests on a pair of heads before table and plots follow; two strokes of a held key."""
CELL_SECONDS = 0.12
"""How long the cursor rests before single weights around it are fetched."""
LOWER = ("matrix", "difference", "plot", "pairs")
"""Panes of which a narrow terminal shows one, below the maps."""


class CompareLayout(PanedScreen):
    """Draws a `Comparing`.

    Args:
        comparing: What is compared.
        colours: How maps are coloured, on every screen.
    """

    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (MIN_SIZE[0], "-narrow"), (120, "-wide")]  # noqa: RUF012
    ALLOW_IN_MAXIMIZED_VIEW = "Footer, Notice, DifferenceReadout, #compare-head"
    AUTO_FOCUS = "#compare-map-0"

    class TileWanted(Message):
        """A rectangle of a map is wanted.

        Attributes:
            key: Which.
            beside: Maps that are on the screen together.
        """

        def __init__(self, key: TileKey, beside: frozenset[MapAddress]) -> None:
            super().__init__()
            self.key = key
            self.beside = beside

    class MapsShown(Message):
        """Other heads are looked at."""

    # Not `reactive`: each would have the whole screen drawn again, where its watcher draws what has changed.
    position: var[Position | None] = var(None)
    """Head of the first side."""
    statistic: var[str] = var("D1")
    other: var[int] = var(1)
    """The side that the first one is compared with."""
    lower: var[str] = var("difference")
    """What a narrow terminal shows below the maps."""

    def __init__(self, comparing: Comparing, colours: MapColours) -> None:
        super().__init__(Notice(id="compare-notice"), colours)
        self.comparing = comparing
        self._cache = TileCache(CACHE_BYTES)
        self._head = Static(id="compare-head", markup=False)
        self._warning = Static(id="compare-warning", markup=False)
        self._matrix = HeadMatrix(id="compare-matrix")
        self._maps = [HeatMap(cache=self._cache, id=f"compare-map-{side}") for side in range(len(LETTERS))]
        self._difference = DifferenceMap(cache=self._cache, id="compare-difference")
        self._plot = ComparisonPlot(id="compare-plot")
        self._pairs = PairTable(id="compare-pairs")
        self._readout = DifferenceReadout(id="compare-readout")
        self._hidden = Static(id="compare-hidden", markup=False)
        self._matrix_pane = Pane("compare.pane.matrix", "Heads", id="compare-matrix-pane")
        self._map_panes = [
            Pane(f"compare.pane.{lead}" if lead else "", letter, id=f"compare-pane-{side}")
            for side, (lead, letter) in enumerate(zip_longest(("first", "other"), LETTERS, fillvalue=""))
        ]
        self._difference_pane = Pane("compare.pane.difference", "Difference", id="compare-difference-pane")
        self._plot_pane = Pane("compare.pane.plot", "Plot", id="compare-plot-pane")
        self._pairs_pane = Pane("compare.pane.pairs", "Pairs of heads", id="compare-pairs-pane")
        self._unlocked: dict[int, Position] = {}
        self.without_first = False
        """Whether key 0 is left out of maps, where they can be had so."""
        self._lacking: dict[int, str] = {}
        """Why there are no maps without key 0, by runs."""
        self._placed = False
        self._redraw: Timer | None = None
        self._numbers: Timer | None = None
        self._rest: Timer | None = None

    # --- layout --------------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Status, warnings, the matrix and a plot on the left, the maps above the difference and the table."""
        yield self._head
        yield self._notice
        yield self._warning
        with Horizontal(id="compare-body"):
            with Vertical(id="compare-left"):
                with self._matrix_pane:
                    yield self._matrix
                with self._plot_pane:
                    yield self._plot
            with Vertical(id="compare-right"):
                with Horizontal(id="compare-maps"):
                    for pane, heat_map in zip(self._map_panes, self._maps, strict=True):
                        with pane:
                            yield heat_map
                with Horizontal(id="compare-lower"):
                    with self._difference_pane:
                        yield self._difference
                    with self._pairs_pane:
                        yield self._pairs
        yield self._readout
        yield self._hidden
        yield Static(
            f"A comparison needs at least {MIN_SIZE[0]} columns and {MIN_SIZE[1]} rows.",
            id="compare-too-small",
            markup=False,
        )
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Show what is here already."""
        self.tell_keys()
        self.draw()

    def on_screen_resume(self) -> None:
        """Other panes may have room for more words now."""
        self.arrived()

    def on_resize(self) -> None:
        """There is other room for words."""
        self.arrived()

    def tell_keys(self) -> None:
        """Name the keys that work now, wherever one is named all the time."""
        super().tell_keys()
        self.watch_lower()

    def watch_lower(self) -> None:
        """Show the chosen pane where there is room for one only."""
        for name in LOWER:
            self.set_class(name == self.lower, f"-lower-{name}")
        others = (f"{key_of(self.app, f'compare.pane.{name}')} {name}" for name in LOWER if name != self.lower)
        self._hidden.update(Content.styled("hidden: " + "   ".join(others), "dim"))

    # --- what is shown -------------------------------------------------------------------------------------------

    @property
    def comparison(self) -> Comparison | None:
        """The numbers that are here, of the first side with `other`."""
        return self.comparing.comparisons.get(self.other)

    @property
    def entry(self) -> Entry:
        """The statistic that is compared."""
        return BY_KEY[self.statistic]

    @property
    def is_drawn(self) -> bool:
        """Whether everything that has arrived is on the screen."""
        return self._redraw is None and self._numbers is None

    def begin(self) -> None:
        """Other models or texts are compared: nothing that was on the screen holds any more."""
        self._cache.clear()
        self._unlocked.clear()
        self._lacking.clear()
        self.other = min(self.other, len(self.comparing.sides) - 1)
        for heat_map in (*self._maps, self._difference):
            heat_map.clear()
        self._notice.hide()
        self.arrived()

    def arrived(self) -> None:
        """Something has come: draw it soon, together with what comes meanwhile."""
        if self._redraw is None and self.is_mounted:
            self._redraw = self.set_timer(REDRAW_SECONDS, self.draw)

    def put_tile(self, key: TileKey, block: np.ndarray) -> None:
        """A rectangle of a map is here."""
        first, *others = (*self._maps, self._difference)
        first.put(key.address, key.level, key.row, key.column, block)
        for heat_map in others:  # they share its cache
            heat_map.arrived(key.address)
        if not self._placed and key.address == self._maps[0].address:
            self._place_cursor(key, block)
        self.read_out()

    def _place_cursor(self, key: TileKey, block: np.ndarray) -> None:
        """Begin on a cell worth reading: the strongest key of a row far down, if the tile has it."""
        frame = self.comparing.frame(0, key.address.kind, key.address.layer)
        query = 0 if frame is None else 3 * frame[0].queries // 4
        if key.level == 0 and key.row <= query < key.row_stop:
            self._placed = True
            strongest = key.column + int(np.nan_to_num(block[query - key.row]).argmax())
            for heat_map in (*self._maps[: len(self.comparing.sides)], self._difference):
                heat_map.move_cursor(query, strongest)

    def forget_pending(self) -> None:
        """A tile will not come: maps may ask again when they are looked at again."""
        for heat_map in (*self._maps, self._difference):
            heat_map.forget_pending()

    def draw(self) -> None:
        """Draw everything from what is here."""
        self._redraw = None
        first = self.comparing.shown(0)
        if first is not None and first.results is not None:
            clamped = first.results.clamp(self.position)
            self.set_reactive(CompareLayout.position, clamped)
        self._draw_head()
        self._draw_matrix()
        self._draw_pair()

    def _draw_head(self) -> None:
        width = max(self.size.width - 2, 20)
        # Lines of a fixed height: a new layout of the screen for each layer that comes in would be its longest stall.
        self._head.update(head_line(self.comparing, self.other, width), layout=False)
        warnings = remarks(self.comparing, self.comparison)
        self._warning.display = bool(warnings)
        if warnings:
            said = warning_line(warnings, width, key_of(self.app, "compare.message"))
            self._warning.update(said, layout=False)

    def _draw_matrix(self) -> None:
        first = self.comparing.shown(0)
        results = first.results if first is not None else None
        if results is None:
            return
        rows, comparison = results.rows, self.comparison
        table = difference_table(comparison, rows, self.statistic)
        self._matrix.show(
            tuple(info.name for info in rows),
            table.values,
            np.zeros(table.values.shape, bool),
            -table.reach,
            table.reach,
            True,
            counts=tuple(info.heads for info in rows),
            arrived=(comparison is not None,) * len(rows),
            decimals=self.entry.decimals,
            marked=table.discovered,
            mark_means=f"q ≤ {RATE:.2f}".replace("0.", "."),
        )
        pane, letter = self._matrix_pane, LETTERS[self.other]
        pane.fit(None if self.has_class("-narrow") else len(rows) + 4)  # border, numbers of heads, legend
        title = f"{letter} - A  {self.entry.title.lower()}"
        pane.head(title if len(title) <= pane.size.width - 9 else f"{letter} - A  {self.entry.symbol}")
        if comparison is None:
            pane.foot("")
        elif len(comparison.a.tokens) == 1:
            pane.foot("one text: no test")
        else:
            pane.foot(f"{int(table.discovered.sum())} of {int(np.isfinite(table.values).sum())} with q ≤ .05")

    def _draw_pair(self) -> None:
        """Draw what depends on the heads that are looked at."""
        self._draw_panes()
        position = self.position
        if position is None:
            return
        first = self.comparing.shown(0)
        if first is not None and first.results is not None:
            self._matrix.select(first.results.row_of(position), position.head)
        self._draw_maps()
        self._draw_difference()
        self._readout.show_pair(self.comparison, self.pair_index, self.entry)
        self._draw_numbers_at_rest()
        self.post_message(self.MapsShown())

    def head_of(self, side: int) -> Position | None:
        """The head of a side that is looked at: that which belongs to the first side's, unless they are unlocked."""
        if side == 0 or self.position is None:
            return self.position
        return self._unlocked.get(side) or self.comparing.partner(side, self.position)

    def address_of(self, side: int) -> MapAddress | None:
        """The map of a side that is looked at, once tiles of it can be asked for."""
        head, run = self.head_of(side), self.comparing.shown(side)
        if head is None or run is None or not self.comparing.can_show(side, head.kind):
            return None
        if self.comparing.frame(side, head.kind, head.layer) is None:
            return None
        without = self.leaves_out_first(head.kind)
        return None if without and run.number in self._lacking else MapAddress(run.number, *head, without)

    def leaves_out_first(self, kind: MapKind) -> bool:
        """Whether maps are shown without key 0; those over common segments and those that were kept are not."""
        return self.without_first and not self.comparing.is_aligned(kind) and not self.comparing.kept

    def _draw_panes(self) -> None:
        """Show a pane for each side, and name it; where it is narrow, for two."""
        sides, narrow = len(self.comparing.sides), self.has_class("-narrow")
        for side, pane in enumerate(self._map_panes):
            pane.display = side < sides and (not narrow or side in (0, self.other))
            if side < sides:
                head, free = self.head_of(side), side in self._unlocked
                without = self.address_of(side)
                left_out = without is not None and without.without_first
                pane.head(map_title(side, self.comparing.shown(side), head, free, left_out, pane.size.width - 8))
                pane.say(self._lack_of(side))

    def _lack_of(self, side: int) -> str:
        """Why a side has no map without key 0, where one is wanted."""
        head, run = self.head_of(side), self.comparing.shown(side)
        wanted = head is not None and self.leaves_out_first(head.kind)
        return self._lacking.get(run.number, "") if wanted and run is not None else ""

    def _draw_maps(self) -> None:
        for side, heat_map in enumerate(self._maps[: len(self.comparing.sides)]):
            address = self.address_of(side)
            if address is None:
                heat_map.clear()
            elif heat_map.address != address:
                frame = self.comparing.frame(side, address.kind, address.layer)
                assert frame is not None
                if self._is_kept(side):
                    self._show_kept(side, address, *frame)
                    continue
                heat_map.show(address, _support(address, frame[0]), *frame[1:])
                if side == 0 and not self._placed:  # the row in which the cursor will begin
                    query, keys = 3 * frame[0].queries // 4, frame[0].keys
                    self.want(TileKey(address, 0, query, query + 1, 0, keys, self.comparing.is_aligned(address.kind)))
                if self._maps[0].address is not None:
                    heat_map.look(self._maps[0].view_state, *self._maps[0].cursor)

    def _is_kept(self, side: int) -> bool:
        run = self.comparing.shown(side)
        return run is not None and run.little is not None

    def _kept_map(self, side: int, address: MapAddress, shape: MapShape) -> KeptMap | None:
        """A map as it was kept; ``None`` where it was not."""
        run = self.comparing.shown(side)
        overview = None if run is None or run.little is None else run.little.get(Position(*address[1:4]))
        return None if overview is None else KeptMap(address, shape, overview.weights, overview.cell)

    def _show_kept(
        self, side: int, address: MapAddress, shape: MapShape, queries: Sequence[str], keys: Sequence[str]
    ) -> None:
        heat_map, kept = self._maps[side], self._kept_map(side, address, shape)
        if kept is None:
            heat_map.clear()
            return
        heat_map.show_kept(kept, shape, queries, keys)
        if self._maps[0].address is not None:
            heat_map.look(self._maps[0].view_state, *self._maps[0].cursor)

    def _draw_difference(self) -> None:
        one, other = self.address_of(0), self.address_of(self.other)
        pane = self._difference_pane
        left_out = ("  without key 0", "$text-accent") if one is not None and one.without_first else ""
        pane.head(Content.assemble(f"{LETTERS[self.other]} - A", left_out))
        lacking = [LETTERS[side] for side in (0, self.other) if self._lack_of(side)]
        pane.say(f"No difference: {' and '.join(lacking)} has no map without key 0." if lacking else "")
        if one is None or other is None or one.kind != other.kind:
            self._difference.clear()
            return
        if self._difference.addresses == (one, other):
            return
        frames = [
            self.comparing.frame(side, address.kind, address.layer) for side, address in ((0, one), (self.other, other))
        ]
        assert frames[0] is not None
        assert frames[1] is not None
        (shape_a, queries, keys), (shape_b, _, _) = frames[0], frames[1]
        if (shape_a.queries, shape_a.keys) != (shape_b.queries, shape_b.keys):
            self._difference.clear()
            return
        if self._is_kept(0):
            kept_a, kept_b = self._kept_map(0, one, shape_a), self._kept_map(self.other, other, shape_b)
            if kept_a is None or kept_b is None or kept_a.cell != kept_b.cell:
                self._difference.clear()
                return
            self._difference.show_kept(kept_a, kept_b, shape_a, queries, keys)
        else:
            self._difference.show(one, _support(one, shape_a), other, _support(other, shape_b), queries, keys)
        self._difference.look(self._maps[0].view_state, *self._maps[0].cursor)

    def _draw_numbers_at_rest(self) -> None:
        """Draw table and plots once the user rests: they cost more than the maps, and the eye is on those."""
        if self._numbers is not None:
            self._numbers.stop()
        self._numbers = self.set_timer(REST_SECONDS, self._draw_numbers)

    def _draw_numbers(self) -> None:
        self._numbers = None
        comparison, index = self.comparison, self.pair_index
        self._pairs.show(comparison, self.statistic, index)
        # Behind the table: a key that waits comes between the two, unless one frame takes both.
        self.call_after_refresh(self._draw_plot)

    def _draw_plot(self) -> None:
        heads = {side: head for side in range(len(self.comparing.sides)) if (head := self.head_of(side)) is not None}
        self._plot.show(plot_view(self.comparing, self.other, self.statistic, self.pair_index, heads))
        self._plot_pane.head(self._plot.title)

    @property
    def pair_index(self) -> int | None:
        """Index of the pair that is looked at; ``None`` without numbers, or without a partner."""
        comparison, here, there = self.comparison, self.head_of(0), self.head_of(self.other)
        if comparison is None or here is None or there is None:
            return None
        pair = (Head(*here), Head(*there))
        found = (at for at, pair_ in enumerate(comparison.matching.pairs) if (pair_.a, pair_.b) == pair)
        return next(found, None)

    def read_out(self) -> None:
        """Say what is under the cursor of the maps; what is not exact is fetched once the cursor rests."""
        address = self._maps[0].address
        frame = None if address is None else self.comparing.frame(0, address.kind, address.layer)
        if address is None or frame is None:
            return
        query, key = self._maps[0].cursor
        weights, exact = self.weights()
        named = [*zip(LETTERS, weights, strict=False), (f"{LETTERS[self.other]}-A", weights[self.other] - weights[0])]
        self._readout.show_cell(frame[1], frame[2], query, key, named, exact, address.without_first and key == 0)
        if self._rest is not None:
            self._rest.stop()
        self._rest = None if exact else self.set_timer(CELL_SECONDS, lambda: self._fetch_cell(query, key))

    def weights(self) -> tuple[list[float], bool]:
        """What each side gives under the cursor, NaN where that is not here or left out, and whether it is exact."""
        weights, exact = [], True
        for heat_map in self._maps[: len(self.comparing.sides)]:
            address, reading = heat_map.address, heat_map.reading
            left_out = address is not None and address.without_first and heat_map.cursor[1] == 0
            weights.append(math.nan if reading is None or left_out else reading.weight)
            exact = exact and (reading is None or reading.exact)
        return weights, exact

    def _fetch_cell(self, query: int, key: int) -> None:
        """Ask for the single weights around a pair, on every side that has only larger cells."""
        self._rest = None
        for side, heat_map in enumerate(self._maps[: len(self.comparing.sides)]):
            address, reading = heat_map.address, heat_map.reading
            if address is None or reading is None or reading.exact or heat_map.cursor != (query, key):
                continue
            frame = self.comparing.frame(side, address.kind, address.layer)
            if frame is not None:
                row, column = query // TILE * TILE, key // TILE * TILE
                stops = (min(row + TILE, frame[0].queries), min(column + TILE, frame[0].keys))
                aligned = self.comparing.is_aligned(address.kind)
                self.want(TileKey(address, 0, row, stops[0], column, stops[1], aligned))

    def want(self, key: TileKey) -> None:
        """Ask for a tile that is to be seen now, beside all that is on the screen."""
        if self.comparing.kept:
            return
        addresses = (self.address_of(side) for side in range(len(self.comparing.sides)))
        self.post_message(self.TileWanted(key, frozenset(filter(None, addresses))))


def _support(address: MapAddress, shape: MapShape) -> MapShape:
    """Size and support of the map of an address, whose run has ``shape``."""
    return WithoutFirst(shape) if address.without_first else shape
