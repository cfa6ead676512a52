"""Two to four models side by side, by keyboard: what is compared, which heads are looked at, what differs most."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar

from textual import on
from textual.binding import BindingType
from textual.message import Message
from textual.widget import Widget

from faa_core.catalogue import BY_KEY, RUN_KEYS
from faa_core.comparison.order import largest
from faa_core.comparison.records import Head
from faa_tui.actions import COMPARE_PANES, Scope, bindings
from faa_tui.comparing import MOST_SIDES
from faa_tui.comparison_words import remarks
from faa_tui.live_keys import key_of, with_keys
from faa_tui.messages import TileKey
from faa_tui.screens.compare_layout import LOWER
from faa_tui.screens.compare_offers import CompareOffers
from faa_tui.screens.open_model import OpenModel
from faa_tui.screens.open_texts import OpenTexts
from faa_tui.screens.remarks import Remarks
from faa_tui.screens.text_editor import TextEditor
from faa_tui.session import Position
from faa_tui.widgets.comparison_plot import ComparisonPlot
from faa_tui.widgets.head_matrix import HeadMatrix
from faa_tui.widgets.heat_map import HeatMap
from faa_tui.widgets.map_canvas import MapCanvas
from faa_tui.widgets.pair_table import PairTable

_UNLOCKED = (
    "{compare.layer.previous} {compare.layer.next} {compare.head.previous} {compare.head.next} move the side in focus; "
    "{compare.pair} compares these two heads, {compare.lock} locks again."
)


class CompareScreen(CompareOffers):
    """Takes keys and the messages of its panes, and says what is wanted; knows nothing of workers."""

    SCOPE: ClassVar[Scope] = "compare"
    BINDINGS: ClassVar[list[BindingType]] = bindings(SCOPE)
    PANES = COMPARE_PANES
    FOCUS: ClassVar[Mapping[str, str]] = {
        "matrix": "#compare-matrix",
        "first": "#compare-map-0",
        "difference": "#compare-difference",
        "plot": "#compare-plot",
        "pairs": "#compare-pairs RowGrid",
    }

    class NumbersWanted(Message):
        """The comparison is to be worked out anew: something in it has changed."""

    def reveal(self, pane: str) -> None:
        """Show it below the maps, where one pane has room there."""
        if pane in LOWER:
            self.lower = pane

    def focus_of(self, pane: str) -> Widget:
        """What takes the keys in it; the other model's map is that of the side that is looked at."""
        return self._maps[self.other] if pane == "other" else super().focus_of(pane)

    # --- where the user is ---------------------------------------------------------------------------------------

    def watch_position(self) -> None:
        """Look at the other heads."""
        if self.is_mounted:
            self._draw_pair()

    def watch_statistic(self) -> None:
        """Compare by another number."""
        if self.is_mounted:
            self._draw_matrix()
            self._draw_pair()

    def watch_other(self) -> None:
        """Look at another side."""
        if self.is_mounted:
            self.draw()

    def on_heat_map_view_changed(self, event: MapCanvas.ViewChanged) -> None:
        """Let all maps look where one looks."""
        event.stop()
        for heat_map in (*self._maps, self._difference):
            if heat_map is not event.heat_map:
                heat_map.look(event.view, event.query, event.key)
        self.read_out()

    def on_heat_map_cursor_moved(self, event: MapCanvas.CursorMoved) -> None:
        """Say what is under the cursor."""
        event.stop()
        self.read_out()

    def on_heat_map_block_wanted(self, event: MapCanvas.BlockWanted) -> None:
        """Pass the wish on, with all that is on the screen beside it."""
        event.stop()
        aligned = self.comparing.is_aligned(event.address.kind)
        key = TileKey(event.address, event.level, event.row, event.row_stop, event.column, event.column_stop, aligned)
        self.want(key)

    def on_head_matrix_head_selected(self, event: HeadMatrix.HeadSelected) -> None:
        """Go to the head."""
        event.stop()
        first = self.comparing.shown(0)
        if first is not None and first.results is not None and event.row < len(first.results.rows):
            info = first.results.rows[event.row]
            self.position = Position(info.kind, info.layer, event.head)

    @on(PairTable.RowSelected)
    def _pair_selected(self, event: PairTable.RowSelected) -> None:
        """Go to the pair, also once more where the sides are unlocked."""
        event.stop()
        assert isinstance(event.key, int)
        self._go_to(event.key)

    def on_comparison_plot_picked(self, event: ComparisonPlot.Picked) -> None:
        """Go to the pair."""
        event.stop()
        self._go_to(event.index)

    def on_paged_plot_page_changed(self, event: ComparisonPlot.PageChanged) -> None:
        """Name the plot."""
        event.stop()
        self._plot_pane.head(self._plot.title)

    def _go_to(self, index: int) -> None:
        if self.comparison is not None:
            self._unlocked.pop(self.other, None)
            head = self.comparison.matching.pairs[index].a
            self.position = Position(head.kind, head.layer, head.head)

    # --- what is compared ----------------------------------------------------------------------------------------

    def _changed(self) -> None:
        """Other models or texts: begin anew, and have the numbers worked out where all is here already."""
        self.begin()
        self.post_message(self.NumbersWanted())

    def action_back(self) -> None:
        """Close the message, else give up what runs, else go back."""
        if self.clear_fault():
            return
        done, failed, runs = self.comparing.progress()
        if done + failed < runs:
            self.comparing.cancel()
        else:
            self.app.pop_screen()

    def action_run_again(self) -> None:
        """Run what failed once more."""
        self.clear_fault()
        self.comparing.again()
        self.arrived()

    def _ask_model(self, side: int) -> None:
        def answered(reference: str | None) -> None:
            if reference is not None:
                self.comparing.replace(side, reference)
                if side:
                    self.other = side
                self._changed()

        self.app.push_screen(OpenModel(), answered)

    def action_open_model(self) -> None:
        """Put another model on the other side."""
        self._ask_model(self.other)

    def action_open_first(self) -> None:
        """Put another model on the first side."""
        self._ask_model(0)

    def action_add_model(self) -> None:
        """Compare one more model with the first."""
        if len(self.comparing.sides) == MOST_SIDES:
            key = key_of(self.app, "compare.open")
            self.notify(f"{MOST_SIDES} models fit side by side; {key} puts another in the place of one.", markup=False)
        else:
            self._ask_model(len(self.comparing.sides))

    def action_remove_model(self) -> None:
        """Take the other model away."""
        if len(self.comparing.sides) == 2:
            key = key_of(self.app, "compare.open")
            self.notify(f"Two models make a comparison; {key} puts another one in.", markup=False)
        else:
            self.comparing.remove(self.other)
            self._changed()

    def action_swap(self) -> None:
        """Let the two models change sides; the same heads stay on the screen."""
        if self._refused():
            return
        there = self.head_of(self.other)
        self.comparing.swap(0, self.other)
        self.begin()
        if there is not None:
            self.position = there
        self.post_message(self.NumbersWanted())

    def action_edit_text(self) -> None:
        """Edit the text on the screen, and compare on it alone."""

        def answered(text: str | None) -> None:
            if text is not None:
                self.comparing.with_texts((text,))
                self._changed()

        self.app.push_screen(TextEditor(self.comparing.texts[self.comparing.text]), answered)

    def action_open_texts(self) -> None:
        """Compare on a set of texts."""

        def answered(texts: tuple[str, ...] | None) -> None:
            if texts is not None:
                self.comparing.with_texts(texts)
                self._changed()

        results = [run.results for run in self.comparing.runs(self.comparing.text) if run.results is not None]
        every = len(results) == len(self.comparing.sides)
        heads = sum(info.heads for one in results for info in one.rows) if every else 0
        self.app.push_screen(OpenTexts(heads), answered)

    async def action_message(self) -> None:
        """Show the last fault in full, or what is to be said about the comparison."""
        if self._notice.display:
            await self.app.run_action("message")
        else:
            comparison = self.comparison
            notes = comparison.notes if comparison is not None else ()
            self.app.push_screen(Remarks(remarks(self.comparing, comparison), notes))

    async def action_statistic_list(self) -> None:
        """Choose the statistic from a list."""
        await self.app.run_action("statistic_list")

    # --- actions -------------------------------------------------------------------------------------------------

    def _move(self, step: Callable[[int, Position], Position | None]) -> None:
        """Move on the first side, or on the side in focus where that is unlocked."""
        side = self._side_in_focus()
        if side in self._unlocked:
            moved = step(side, self._unlocked[side])
            if moved is not None:
                self._unlocked[side] = moved
                self._draw_pair()
        elif self.position is not None:
            self.position = step(0, self.position) or self.position

    def _moved(self, side: int, position: Position, layers: int = 0, heads: int = 0) -> Position | None:
        run = self.comparing.shown(side)
        return None if run is None or run.results is None else run.results.moved(position, layers, heads)

    def _side_in_focus(self) -> int:
        focused: Widget | None = self.focused
        return self._maps.index(focused) if isinstance(focused, HeatMap) and focused in self._maps else 0

    def action_layer(self, step: int) -> None:
        """Go ``step`` layers on."""
        self._move(lambda side, position: self._moved(side, position, layers=step))

    def action_head(self, step: int) -> None:
        """Go ``step`` heads on."""
        self._move(lambda side, position: self._moved(side, position, heads=step))

    def action_statistic(self, step: int) -> None:
        """Compare by the statistic ``step`` places on."""
        self.statistic = RUN_KEYS[(RUN_KEYS.index(self.statistic) + step) % len(RUN_KEYS)]

    def choose_statistic(self, key: str | None) -> None:
        """Compare by ``key``; ``None`` changes nothing."""
        if key in BY_KEY:
            self.statistic = key

    def action_largest(self, step: int) -> None:
        """Go to the pair with the next largest difference, or back."""
        if self.comparison is None:
            self.notify("The differences are not worked out yet.", markup=False)
            return
        order = largest(self.comparison, self.statistic).tolist()
        if not order:
            self.notify(f"No pair of heads has a difference in {self.entry.title.lower()}.", markup=False)
            return
        index = self.pair_index
        place = order.index(index) + step if index in order else 0
        self._go_to(order[max(0, min(place, len(order) - 1))])

    def action_other(self, step: int) -> None:
        """Look at the side ``step`` places on."""
        sides = len(self.comparing.sides)
        self.other = 1 + (self.other - 1 + step) % (sides - 1)

    def action_text(self, step: int) -> None:
        """Show the maps of the text ``step`` places on."""
        texts = len(self.comparing.texts)
        if texts == 1:
            key = key_of(self.app, "compare.texts")
            self.notify(f"There is one text; {key} compares on a set of texts.", markup=False)
            return
        self.comparing.text = (self.comparing.text + step) % texts
        for heat_map in (*self._maps, self._difference):
            heat_map.clear()
        self.draw()

    def action_lock(self) -> None:
        """Let the sides show any heads, or lock them together again."""
        if self._unlocked:
            self._unlocked.clear()
        else:
            heads = {side: self.head_of(side) for side in range(1, len(self.comparing.sides))}
            self._unlocked = {side: head for side, head in heads.items() if head is not None}
            self.notify(with_keys(self.app, _UNLOCKED), markup=False)
        self._draw_pair()

    def action_pair(self) -> None:
        """Compare the two heads on the screen with each other from now on."""
        if self._refused():
            return
        comparison, here, there = self.comparison, self.head_of(0), self.head_of(self.other)
        if comparison is None or here is None or there is None:
            self.notify("The heads are not matched yet.", markup=False)
            return
        # SciPy comes with it, and is here already: the numbers were worked out with it.
        from faa_core.comparison.matching import changed

        self.comparing.matchings[self.other] = changed(comparison.matching, Head(*here), Head(*there))
        self.comparing.rematched()
        self._unlocked.pop(self.other, None)
        self.post_message(self.NumbersWanted())

    def action_match(self) -> None:
        """Match heads by divergence, or by their places again."""
        if self._refused():
            return
        self.comparing.by_divergence = not self.comparing.by_divergence
        self.comparing.matchings.clear()
        self.comparing.rematched()
        self.notify(
            "Heads are matched by least divergence."
            if self.comparing.by_divergence
            else "Heads are matched by their places where the models have the same shape.",
            markup=False,
        )
        self.post_message(self.NumbersWanted())

    def action_filter(self) -> None:
        """Show only some pairs of heads."""
        self.action_pane("pairs")
        self._pairs.action_filter()
