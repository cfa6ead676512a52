"""The application's kept runs: listed beside the models, and shown again without them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec
from textual import work

from faa_core.errors import DamagedStoreError, FaaError, StoreError, UsageError
from faa_core.reference import parse
from faa_core.worker.protocol import Fail, RunOptions
from faa_tui import messages, reports
from faa_tui.application.discovery import DiscoveryApp
from faa_tui.compared_runs import TextRun
from faa_tui.comparing import Comparing
from faa_tui.comparison_desk import ComparisonDesk
from faa_tui.kept_runs import KeptAnalysis, KeptComparison, KeptTexts
from faa_tui.live_keys import key_of, with_keys
from faa_tui.messages import HeadKey
from faa_tui.rendering.run_rows import RunRow, when_words
from faa_tui.rendering.text import visible
from faa_tui.screens.examination import ExaminationScreen
from faa_tui.screens.main_kept import RUN_AGAIN
from faa_tui.session import Order, Phase, Results
from faa_tui.text_set import MEAN, TextSet
from faa_tui.widgets.runs_pane import RunsPane
from faa_tui.widgets.status_bar import Status

if TYPE_CHECKING:
    from faa_core.store import Entry

_TITLE = "Kept runs"
_FIRST = 100
"""Runs that are read before anything older: more than a pane has lines."""
_PAGE = 1000
"""Runs that are read at a time after those, so that what else is wished of the file comes in between."""
_ENDINGS = (
    (".html", "report", "one HTML file that opens offline"),
    (".json", "JSON", "everything, nested"),
    (".csv", "CSV", "a row for each head and statistic"),
    (".npz", "NPZ", "every array, for numpy.load"),
    (".parquet", "Parquet", "the rows of the CSV with types"),
)


class KeptApp(DiscoveryApp, inherit_bindings=False):
    """Shows what is in the file of runs."""

    kept: Entry | None = None
    """What was opened last of what is kept; the main screen shows it until a run begins."""
    _kept_comparison = 0
    _all_listed = False
    _trouble: StoreError | None = None

    # --- the list ------------------------------------------------------------------------------------------------

    def list_runs(self) -> None:
        """Read what the list lacks, as far as others have kept it as well."""
        self._read_list()

    @work(group="list of runs", exclusive=True)
    async def _read_list(self) -> None:
        pane = self.main.runs
        try:
            newest = pane.newest
            pane.add(await self._rows(None if newest else _FIRST, after=newest))
            while not self._all_listed:
                page = await self._rows(_PAGE, before=pane.oldest)
                self._all_listed = len(page) < _PAGE
                pane.add(page)
        except StoreError as error:
            self._tell_trouble(error)
        else:
            if not isinstance(self._trouble, DamagedStoreError):  # that is worth knowing however well the new one works
                self._tell_trouble(None)

    @work
    async def _list_again(self, run: int) -> None:
        """Tell a set that grew as it is now, and list its runs with it only."""
        try:
            entry = await self.history.entry(run)
            parts = await self.history.parts(run) if entry.kind == "texts" else []
        except FaaError:  # it was deleted again, or reading the list says what is wrong
            return
        if entry.kind == "texts":
            self.main.runs.add([RunRow.of(entry)])
            self.main.runs.drop([part for part in parts if self.main.runs.row_of(part) is not None])

    async def _rows(self, most: int | None, *, after: int = 0, before: int | None = None) -> list[RunRow]:
        return [RunRow.of(entry) for entry in await self.history.entries(most, after=after, before=before)]

    def _tell_trouble(self, error: StoreError | None) -> None:
        """Say in the pane that the file cannot be used, or that it can be again."""
        before, self._trouble = self._trouble, error
        if error is None:
            self.main.runs.tell_trouble("")
            return
        key = key_of(self, "runs.trouble")
        self.main.runs.tell_trouble(f"The file of runs cannot be used. {key} says why and what to do.")
        if isinstance(error, DamagedStoreError) and str(error) != str(before):
            self.main.runs.tell_trouble(f"The file of runs was damaged; a new one is begun. {key} says more.")
            self.notify(visible(str(error)), title=_TITLE, severity="warning", markup=False, timeout=20)
            self._all_listed = False
            self.main.runs.show_runs([])
            self.list_runs()

    def on_run_kept(self, message: messages.RunKept) -> None:
        """List it; that which is on the screen stands out."""
        self.list_runs()
        self._list_again(message.run)
        results = self.main.results
        if results is not None and self.history.number_of(results.run) == message.run:
            self.main.runs.tell_shown(message.run)

    def on_not_kept(self, message: messages.NotKept) -> None:
        """Say so in the pane as well. Textual calls the method of the base class, too."""
        self._tell_trouble(message.error)

    def on_runs_pane_visited(self, event: RunsPane.Visited) -> None:
        """Others may have kept runs meanwhile, and the file may be in order again."""
        event.stop()
        self.list_runs()

    def on_runs_pane_trouble_asked(self, event: RunsPane.TroubleAsked) -> None:
        """Say in full what is wrong."""
        from faa_tui.screens.message import MessageScreen

        event.stop()
        if (error := self._trouble) is not None:
            self.push_screen(MessageScreen(Fail(0, error.kind, error.message, error.hint), False))

    # --- shown again ---------------------------------------------------------------------------------------------

    def on_runs_pane_open_wanted(self, event: RunsPane.OpenWanted) -> None:
        """Show it, or say that it is on the screen already."""
        event.stop()
        results = self.main.results
        if results is not None and self.history.number_of(results.run) == event.run:
            self.notify(f"Run {event.run} is on the screen.", title=_TITLE, markup=False)
        else:
            self.open_kept(event.run)

    @work(group="kept run", exclusive=True)
    async def open_kept(self, run: int) -> bool:
        """Show a kept run of any kind without its model; whether it could be read."""
        try:
            kept = await self.history.open(run)
        except FaaError as error:
            await self._refuse(run, error)
            return False
        if isinstance(kept, KeptComparison):
            self._show_comparison(kept)
        else:
            self.show_kept(kept)
        return True

    async def _refuse(self, run: int, error: FaaError) -> None:
        """Say why nothing can be done with a run; one that is gone is listed no more."""
        self.notify(visible(str(error)), title=_TITLE, severity="error", markup=False, timeout=10)
        if isinstance(error, StoreError):
            self._tell_trouble(error)
            return
        try:
            await self.history.entry(run)
        except UsageError:
            self.main.runs.drop([run])
        except StoreError as fault:
            self._tell_trouble(fault)

    def show_kept(self, kept: KeptAnalysis | KeptTexts) -> None:
        """Show one model as it was kept, on one text or on several; a run that is under way is given up."""
        runs = kept.runs if isinstance(kept, KeptTexts) else (kept,)
        reference = kept.entry.models[0]
        orders = [Order(reference, run.analysis.text, self._options_of(run)) for run in runs]
        self.take(orders[0], Phase.KEPT)
        self.kept = kept.entry
        if parse(reference).source != "array":  # which has no text
            self._text = orders[0].text
        self.let_go(self.main.results)
        if isinstance(kept, KeptTexts):
            self._show_kept_texts(kept)
        else:
            self.main.begin(self._as_kept(kept))
        self._list_models()
        self.main.runs.tell_shown(kept.entry.id)
        self.tell_status()

    def _as_kept(self, kept: KeptAnalysis) -> Results:
        """What the screen shows of a kept run, under the number of the run on the screen."""
        self.history.adopt(self.run_number, kept.entry.id)
        return Results.as_kept(self.run_number, kept.analysis, kept.overviews, kept.findings)

    def _show_kept_texts(self, kept: KeptTexts) -> None:
        """Show the mean; the texts are gone through like those of a set that was just measured."""
        options = self.order.options
        texts = TextSet(kept.entry.models[0], [run.analysis.text for run in kept.runs], options)
        texts.kept, texts.following = True, False
        for member, run in zip(texts.members, kept.runs, strict=True):
            member.results = self._as_kept(run)
            member.number = self.run_number
            self.run_number = self.new_number()
        self.texts = texts
        means = texts.take_means(self.run_number, kept.replication)
        means.little = {}
        self.history.adopt(self.run_number, kept.entry.id)
        self._show_text(MEAN)

    @property
    def shows_kept(self) -> bool:
        """Whether the main screen shows something as it was kept, and nothing else was asked for since."""
        results = self.main.results
        return results is not None and results.little is not None and results.run == self.run_number

    def _options_of(self, kept: KeptAnalysis) -> RunOptions:
        """How the run is made again: as it was asked for, unless this application was told otherwise."""
        if self.order.options != RunOptions():
            return self.order.options
        try:
            return msgspec.convert(kept.entry.parameters, RunOptions)
        except msgspec.ValidationError:  # of a version that knew other options
            return self.order.options

    def on_run_started(self, message: messages.RunStarted) -> None:
        """The kept run has left the screen. Textual calls the method of the base class, too."""
        if message.run == self.run_number:
            self.main.runs.tell_shown(None)

    def status(self) -> Status:
        """What the top line says."""
        status = super().status()
        if self.kept is None or not self.shows_kept:
            return status
        said = f"kept run {self.kept.id}, from {when_words(RunRow.of(self.kept).when)}"
        return replace(status, kept=said, worker=f"{key_of(self, 'run')} runs it again", worker_ill=False, memory=0)

    def action_examine(self) -> None:
        """Show what was measured about the head that is looked at; a run with a worker is measured now."""
        results = self.main.results
        if not self.shows_kept or results is None:
            super().action_examine()
            return
        position, address = self.main.position, self.main.address
        found = results.examinations
        kept = next((one for one in found if (one.kind, one.layer, one.head) == position), None)
        if kept is None or address is None:
            self.notify(f"This head was not examined. {with_keys(self, RUN_AGAIN)}", title="Examine", markup=False)
            return
        screen = ExaminationScreen(HeadKey(address))
        self.push_screen(screen)
        self.call_after_refresh(screen.show, kept)

    # --- comparisons ---------------------------------------------------------------------------------------------

    def _show_comparison(self, kept: KeptComparison) -> None:
        """Show a comparison by its record; no worker is asked for anything until both models are run again."""
        from faa_tui.screens.compare import CompareScreen

        sides = [
            [TextRun.kept(self.new_number(), run.analysis, kept.little(side, place)) for place, run in enumerate(runs)]
            for side, runs in enumerate((kept.a, kept.b))
        ]
        segments = {(place, one.kind): one.alignments for place, joined in enumerate(kept.segments) for one in joined}
        comparison = kept.comparison
        texts = [run.analysis.text for run in kept.a]
        options = self._options_of(kept.a[0])
        references = (comparison.a.reference, comparison.b.reference)
        comparing = Comparing(references, texts, options, self.fleet, self.new_number)
        entry = kept.entry
        key = key_of(self, "compare.run")
        said = f"Kept comparison {entry.id}, from {when_words(RunRow.of(entry).when)}: {key} runs both models again."
        comparing.restore(sides, comparison, said, segments)
        self._kept_comparison = entry.id
        screen = CompareScreen(comparing, self.colours)
        self._replace_desk(ComparisonDesk(comparing, screen, self.fleet, self._hostname))

    def _replace_desk(self, desk: ComparisonDesk) -> None:
        if self.desk is not None:
            self.desk.comparing.close()
        self.desk = desk
        self.push_screen(desk.screen)

    def on_runs_pane_compare_wanted(self, event: RunsPane.CompareWanted) -> None:
        """Compare its model with the one on the screen, on the text on the screen."""
        event.stop()
        row = self.main.runs.row_of(event.run)
        if row is None:
            return
        reference = row.models[0]
        if len(row.models) > 1:
            key = key_of(self, "rows.choose")
            self.notify(f"Run {row.id} is a comparison itself; {key} opens it.", title=_TITLE, markup=False)
        elif reference == self.order.reference:
            said = f"Run {row.id} is of {visible(reference)} as well; mark a run of another model."
            self.notify(said, title=_TITLE, markup=False)
        else:
            if self.desk is not None:
                self.desk.comparing.close()
            self.desk, self.others = None, (reference,)
            self.action_compare()

    # --- notes, files, the end -----------------------------------------------------------------------------------

    def on_runs_pane_note_wanted(self, event: RunsPane.NoteWanted) -> None:
        """Ask for it, and write it down."""
        from faa_tui.screens.note_run import NoteRun

        event.stop()
        row = self.main.runs.row_of(event.run)

        def answered(note: str | None) -> None:
            if note is not None:
                self._note(event.run, note)

        self.push_screen(NoteRun("" if row is None else row.note), answered)

    @work
    async def _note(self, run: int, note: str) -> None:
        try:
            await self.history.set_note(run, note)
            self.main.runs.add([RunRow.of(await self.history.entry(run))])
        except FaaError as error:
            await self._refuse(run, error)

    def on_runs_pane_take_out_wanted(self, event: RunsPane.TakeOutWanted) -> None:
        """Ask for the form, and write the file."""
        from faa_tui.screens.choose_line import ChooseLine

        event.stop()

        def answered(ending: str | None) -> None:
            if ending is not None:
                self._take_out(event.run, ending)

        said = f"It is written to {reports.folder()}, under a name that is free there."
        self.push_screen(ChooseLine(f"Take run {event.run} out as", _ENDINGS, said), answered)

    @work
    async def _take_out(self, run: int, ending: str) -> None:
        try:
            path = await self.history.take_out(run, reports.folder(), ending)
        except FaaError as error:
            await self._refuse(run, error)
        except OSError as error:
            said = f"{reports.folder()} cannot be written: {error.strerror}."
            self.notify(visible(said), title=_TITLE, severity="error", markup=False, timeout=10)
        else:
            self.notify(visible(str(path)), title=f"Run {run}", markup=False, timeout=15)

    def on_runs_pane_delete_wanted(self, event: RunsPane.DeleteWanted) -> None:
        """Say what is lost, and ask."""
        event.stop()
        self._ask_to_delete(event.run)

    @work
    async def _ask_to_delete(self, run: int) -> None:
        from faa_tui.screens.choose_line import ChooseLine

        try:
            entry = await self.history.entry(run)
        except FaaError as error:
            await self._refuse(run, error)
            return

        def answered(answer: str | None) -> None:
            if answer == "delete":
                self._delete(run)

        choices = (("keep", "Keep it", ""), ("delete", "Delete it", "for good"))
        row = RunRow.of(entry)
        lost = ["its numbers", f"its text ({row.title})" if row.texts == 1 else f"its {row.texts} texts"]
        lost += [f"{entry.maps} maps in little"] if entry.maps else []
        lost += [f"{entry.examined} examinations"] if entry.examined else []
        lost += [f"its note ({entry.note})"] if entry.note else []
        lost += ["the runs that were kept only for it"] if entry.kind != "analysis" else []
        said = (
            f"Run {run} of {' and '.join(entry.models)}, from {when_words(row.when)}. With it go {', '.join(lost)}. "
            "Nothing brings them back."
        )
        self.push_screen(ChooseLine(f"Delete run {run}?", choices, said), answered)

    @work
    async def _delete(self, run: int) -> None:
        try:
            gone = await self.history.delete([run])
        except FaaError as error:
            await self._refuse(run, error)
        else:
            self.main.runs.drop(gone)

    # --- reports -------------------------------------------------------------------------------------------------

    def _report_run(self) -> None:
        if self.kept is not None and self.shows_kept:
            self._take_out(self.kept.id, ".html")
        else:
            super()._report_run()

    def _report_comparison(self) -> None:
        if self.desk is not None and self.desk.comparing.kept:
            self._take_out(self._kept_comparison, ".html")
        else:
            super()._report_comparison()
