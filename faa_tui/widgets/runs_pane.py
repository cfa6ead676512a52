"""The runs that are kept, newest first: opened again, compared, noted, taken out and deleted."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from faa_tui.live_keys import with_keys
from faa_tui.rendering.row_table import Column, RowTable
from faa_tui.rendering.run_rows import RunRow, columns_for, run_table
from faa_tui.widgets.filtered_table import FilteredTable

_KEYS = "{rows.choose} opens  {runs.compare} compare  {runs.note} note  {runs.take_out} take out  {runs.delete} delete"


class RunsPane(FilteredTable):
    """A row for each kept run; only those on screen are put into words.

    Args:
        id: Id of the widget.
    """

    HELP = (
        "The runs that are kept, newest first. In a filter words match models, texts and notes, 12 is the run of that "
        "number, comparisons match numbers (tokens>500, run<40), kind=comparison a kind, ! is the contrary."
    )
    DEFAULT_CSS = """
    RunsPane > .runs-pane--trouble { height: auto; max-height: 3; color: $text-warning; display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "compare", "compare", id="runs.compare", tooltip="Compare its model with the one on the screen"),
        Binding("n", "note", "note", id="runs.note", tooltip="Write a note beside this run"),
        Binding("e", "take_out", "take out", id="runs.take_out", tooltip="Write a report or a file of this run"),
        Binding("D", "delete", "delete", id="runs.delete", tooltip="Delete this run for good; asks first"),
        Binding("m", "trouble", "what is wrong", show=False, id="runs.trouble", tooltip="What is wrong with the file"),
    ]
    EXAMPLE = "gpt2  golden  kind=comparison  tokens>500"
    EMPTY = "No runs are kept yet."

    class Wish(Message, namespace="runs_pane"):
        """Something is wanted of a run.

        Attributes:
            runs_pane: The sender.
            run: Its number.
        """

        def __init__(self, runs_pane: RunsPane, run: int) -> None:
            super().__init__()
            self.runs_pane = runs_pane
            self.run = run

        @property
        def control(self) -> RunsPane:
            """The sender."""
            return self.runs_pane

    class OpenWanted(Wish):
        """It is to be shown again."""

    class CompareWanted(Wish):
        """Its model is to be compared with the one on the screen."""

    class NoteWanted(Wish):
        """A note is to be written beside it."""

    class TakeOutWanted(Wish):
        """A report or a file of it is wanted."""

    class DeleteWanted(Wish):
        """It is to be deleted."""

    class Visited(Message, namespace="runs_pane"):
        """The user has come to the pane."""

    class TroubleAsked(Message, namespace="runs_pane"):
        """The user wants to know what is wrong with the file."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self._runs: dict[int, RunRow] = {}
        self._shown: int | None = None
        self._trouble = Static(classes="runs-pane--trouble", markup=False)

    def compose(self) -> ComposeResult:
        """The rows, and room for what is wrong with the file."""
        yield from super().compose()
        yield self._trouble

    def columns_in(self, table: RowTable, width: int) -> tuple[Column, ...]:
        """The columns of ``table`` that are shown in ``width`` cells."""
        return columns_for(table.columns, width)

    def remarks(self) -> list[str]:
        """What the keys do, where there is room to say it."""
        return [with_keys(self.app, _KEYS)]

    # --- what is kept --------------------------------------------------------------------------------------------

    @property
    def newest(self) -> int:
        """Highest number in the list; 0 where it is empty."""
        return next(iter(self._runs), 0)

    @property
    def oldest(self) -> int | None:
        """Lowest number in the list; ``None`` where it is empty."""
        return next(reversed(self._runs), None)

    @property
    def marked(self) -> RunRow | None:
        """The run under the cursor."""
        return self.row_of(self.selected) if isinstance(self.selected, int) else None

    def row_of(self, run: int) -> RunRow | None:
        """What the list says of a run; ``None`` where it is not in it."""
        return self._runs.get(run)

    def show_runs(self, rows: Sequence[RunRow]) -> None:
        """Show other runs, the newest first; the cursor stays on its run, or goes to the first."""
        self._runs = {row.id: row for row in rows}
        key = self.selected if self.selected in self._runs else next(iter(self._runs), None)
        self.fill(run_table(rows, self._shown, datetime.now().date()) if rows else None, key)
        self._tell_keys()

    def add(self, rows: Sequence[RunRow]) -> None:
        """Add runs to the list, at their places; those that are there already are told anew.

        The cursor goes along with the newest, where it was on it and the user is elsewhere.
        """
        found = self._runs | {row.id: row for row in rows}
        if self.selected == self.newest and not self.has_focus_within:
            self.select(max(found, default=None))
        self.show_runs([found[run] for run in sorted(found, reverse=True)])

    def drop(self, runs: Sequence[int]) -> None:
        """Take runs out of the list; the cursor goes to the next older one."""
        gone = set(runs)
        if self.selected in gone:
            self.select(next((run for run in self._runs if run not in gone and run < min(gone)), None))
        self.show_runs([row for run, row in self._runs.items() if run not in gone])

    def tell_shown(self, run: int | None) -> None:
        """Let the run that is on the screen stand out."""
        if run != self._shown:
            self._shown = run
            self.show_runs(list(self._runs.values()))

    def tell_trouble(self, said: str) -> None:
        """Say in few words that the file cannot be used, until it can; "" for that."""
        self._trouble.display = bool(said)
        self._trouble.update(Content(said))
        self._tell_keys()

    def _tell_keys(self) -> None:
        """Other keys may work now: the footer says which."""
        if self.is_mounted and self.has_focus_within:
            self.refresh_bindings()

    # --- keys ----------------------------------------------------------------------------------------------------

    def on_filtered_table_row_selected(self, event: FilteredTable.RowSelected) -> None:
        """Nobody else needs to know."""
        event.stop()

    def on_filtered_table_row_opened(self, event: FilteredTable.RowOpened) -> None:
        """Ask for the run."""
        event.stop()
        self._wish(self.OpenWanted)

    def on_descendant_focus(self) -> None:
        """Say that somebody looks."""
        self.post_message(self.Visited())

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave keys to the screen that have nothing to do here."""
        if action == "trouble":
            return bool(self._trouble.display)
        if action in ("compare", "note", "take_out", "delete"):
            return self.marked is not None
        return super().check_action(action, parameters)

    def _wish(self, wish: type[Wish]) -> None:
        if (marked := self.marked) is not None:
            self.post_message(wish(self, marked.id))

    def action_compare(self) -> None:
        """Ask for its model beside the one on the screen."""
        self._wish(self.CompareWanted)

    def action_note(self) -> None:
        """Ask for a note."""
        self._wish(self.NoteWanted)

    def action_take_out(self) -> None:
        """Ask for a report or a file."""
        self._wish(self.TakeOutWanted)

    def action_delete(self) -> None:
        """Ask for its end."""
        self._wish(self.DeleteWanted)

    def action_trouble(self) -> None:
        """Ask what is wrong."""
        self.post_message(self.TroubleAsked())
