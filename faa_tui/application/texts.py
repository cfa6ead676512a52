"""The application on several texts: run one after another, gone through, and their means worked out on a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from textual.message import Message

from faa_core.errors import FaaError, GoneError, OutOfMemoryError, TextError
from faa_core.reference import parse
from faa_core.replication import Replication, replicate
from faa_core.worker.protocol import SOMEDAY, Fail
from faa_tui import messages
from faa_tui.application.head_tests import HeadTestsApp
from faa_tui.compared_runs import TextRun
from faa_tui.comparison_desk import finished_run
from faa_tui.fleet import HERE, host_of
from faa_tui.little_maps import every_head, telling_heads
from faa_tui.live_keys import key_of, with_keys
from faa_tui.rendering.text import visible
from faa_tui.session import Order, Phase, Results
from faa_tui.text_set import MEAN, TextOfSet, TextSet
from faa_tui.widgets.status_bar import Status

SEED = 0
"""Where the random draws of texts begin."""
_TITLE = "Texts"
_OF_ONE_TEXT = (TextError.kind, OutOfMemoryError.kind)
"""Faults of which the next text may be free."""


class MeansReady(Message):
    """The means over the texts of a set are worked out, or cannot be.

    Attributes:
        texts: The set.
        measured: The texts that they are over.
        replication: They.
        fail: Why there are none.
    """

    def __init__(
        self, texts: TextSet, measured: list[TextOfSet], replication: Replication | None, fail: Fail | None = None
    ) -> None:
        super().__init__()
        self.texts = texts
        self.measured = measured
        self.replication = replication
        self.fail = fail


class TextsApp(HeadTestsApp, inherit_bindings=False):
    """Has one set of texts, until something else is asked for."""

    texts: TextSet | None = None

    # --- a set ---------------------------------------------------------------------------------------------------

    def action_open_texts(self) -> None:
        """Ask for a set of texts, and run all of them."""
        from faa_tui.screens.open_texts import OpenTexts

        if not self.takes_text():
            return

        def answered(texts: tuple[str, ...] | None) -> None:
            if texts is not None:
                self.begin_texts(self.order.reference, texts)

        results = self.main.results
        heads = 0 if results is None else sum(info.heads for info in results.rows)
        self.push_screen(OpenTexts(heads), answered)

    def begin_texts(self, reference: str, texts: Sequence[str]) -> None:
        """Run a model on several texts, one after another."""
        self._leave_texts()
        self.texts = TextSet(reference, texts, self.order.options)
        self._next_text(self.texts)

    def _next_text(self, texts: TextSet) -> None:
        waiting = texts.next_waiting()
        if waiting is None or texts.stopped:
            self._work_out_means(texts)
        else:
            self.submit(waiting.order)

    def _leave_texts(self) -> None:
        """Something else is asked for: keep what was measured, and let the worker forget what is on no screen."""
        texts, self.texts = self.texts, None
        if texts is None:
            return
        self._keep_each(texts)
        for member in texts.members:
            if member.number and not self.shows(member.number):
                self.let_go(member.results)

    def _keep_each(self, texts: TextSet) -> None:
        """Keep runs that no means were worked out over."""
        if not texts.kept:
            for member in texts.done:
                if member.analysis is not None:
                    self.keep_run(member.number, member.analysis, member.order.options)

    def keep_measured(self) -> None:
        """Keep what is measured, because the application is left."""
        if self.texts is not None:
            self._keep_each(self.texts)

    # --- its runs ------------------------------------------------------------------------------------------------

    def take(self, order: Order, phase: Phase) -> None:
        """Let another order be the one that the main screen is about; a set that it is not of is left."""
        place = None if self.texts is None else self.texts.place_of_order(order)
        if place is None:
            self._leave_texts()
        super().take(order, phase)
        if self.texts is not None and place is not None:
            member = self.texts.members[place]
            if member.number and not self.shows(member.number):
                self.fleet.release(member.number)
            member.number, member.fail = self.run_number, None
            if self.texts.following:
                self.texts.at = place

    def _member(self, run: int) -> TextOfSet | None:
        place = None if self.texts is None else self.texts.place_of(run)
        return None if self.texts is None or place is None else self.texts.members[place]

    def begin_results(self, results: Results) -> None:
        """Show a run that has begun, unless it is of a set in which the user looks at another text."""
        member = self._member(results.run)
        if member is None or self.texts is None:
            super().begin_results(results)
            return
        member.results = results
        if self.texts.at == self.texts.place_of(results.run):
            self.let_go(self.main.results)
            self.main.begin(results)

    def let_go(self, results: Results | None) -> None:
        """Let the worker forget a run that is on no screen any more, nor in the set."""
        if results is None or self._member(results.run) is None:
            super().let_go(results)

    def results_of(self, run: int) -> Results | None:
        """What has arrived of a run; ``None`` where it is not here."""
        member = self._member(run)
        return member.results if member is not None and member.results is not None else super().results_of(run)

    def finished(self, results: Results) -> None:
        """Go on with the next text; a set is kept as a whole."""
        if self.texts is None or self._member(results.run) is None:
            super().finished(results)
        elif self.texts.kept and self.texts.next_waiting() is None:
            super().finished(results)  # one of its texts once more
        else:
            self._next_text(self.texts)

    def not_finished(self, fail: Fail) -> None:
        """Go on with the next text where only this one is at fault; else stop, with means over what there is."""
        texts, member = self.texts, self._member(self.run_number)
        if texts is None or member is None:
            super().not_finished(fail)
            return
        member.results = None
        if fail.kind in _OF_ONE_TEXT:
            member.fail = fail
        else:
            texts.stopped = True
            super().not_finished(fail)
        self._next_text(texts)

    # --- means ---------------------------------------------------------------------------------------------------

    def _work_out_means(self, texts: TextSet) -> None:
        measured = [member for member in texts.done if member.analysis is not None]
        if len(measured) < 2:
            self._keep_each(texts)
            self._tell_set(texts)
            return
        analyses = [member.analysis for member in measured if member.analysis is not None]

        def work() -> None:
            try:
                self.post_message(MeansReady(texts, measured, replicate(analyses, SEED)))
            except FaaError as error:
                self.post_message(MeansReady(texts, measured, None, Fail(0, error.kind, error.message, error.hint)))

        self.run_worker(work, group="means", thread=True, exit_on_error=False)

    def on_means_ready(self, message: MeansReady) -> None:
        """Keep them, and show them to whoever has waited."""
        texts, replication = message.texts, message.replication
        if texts is not self.texts:
            return
        if replication is None:
            self._keep_each(texts)
            if message.fail is not None:
                self.show_fault(message.fail)
            return
        number = self.new_number()
        self._keep_means(texts, message.measured, replication, number)
        texts.take_means(number, replication)
        for note in replication.notes:
            self.notify(note, title="Note", markup=False, timeout=10)
        self._tell_set(texts)
        if texts.following and not self.phase.under_way:
            self._show_text(MEAN)
        else:
            self._be_about(texts, texts.at)
            self.tell_status()

    def _keep_means(self, texts: TextSet, measured: list[TextOfSet], replication: Replication, number: int) -> None:
        """Keep means, in place of those over fewer texts of the set."""
        texts.kept = True
        earlier = texts.means.run if texts.means is not None else 0
        host = self._hostname(texts.reference)
        analyses = [member.analysis for member in measured if member.analysis is not None]
        numbers = [member.number for member in measured]
        self.history.keep_texts(number, replication, numbers, analyses, host, measured[0].order.options, earlier)
        for place, (member, analysis) in list(enumerate(zip(measured, analyses, strict=True)))[texts.averaged :]:
            # Of every text those of all heads would be more than anybody will look at.
            whole = place == 0 and host_of(texts.reference) == HERE
            wishes = every_head(analysis) if whole else telling_heads(analysis)
            self._little.want(member.number, wishes, partial(self.history.keep_overviews, member.number))

    def _tell_set(self, texts: TextSet) -> None:
        for place in texts.failed:
            fail = texts.members[place].fail
            if fail is not None:
                said = visible(f"Text {place + 1}: {fail.text} {fail.hint}".strip())
                self.notify(said, title=_TITLE, severity="warning", markup=False, timeout=15)
        if texts.means is not None:
            said = with_keys(
                self, "{text.previous} and {text.next} go through them, {compare} compares two models over all of them."
            )
            self.notify(f"{len(texts.done)} texts are measured. {said}", title=_TITLE, markup=False)

    # --- what is looked at ---------------------------------------------------------------------------------------

    def action_text(self, step: int) -> None:
        """Show the text ``step`` places on, or the mean of all."""
        texts = self.texts
        place = None if texts is None else texts.step(step)
        if texts is None:
            self.notify(f"There is one text; {key_of(self, 'texts')} analyses on several.", markup=False)
        elif place is None:
            self.notify("The other texts are not measured yet.", markup=False)
        else:
            texts.following = self.phase.under_way and texts.place_of(self.run_number) == place
            self._show_text(place)

    def _show_text(self, place: int) -> None:
        texts = self.texts
        results = None if texts is None else texts.means if place == MEAN else texts.members[place].results
        if texts is None or results is None:
            return
        texts.at = place
        texts.members[max(place, 0)].repeated = False
        self._be_about(texts, place)
        self._tiles.clear()
        self.main.begin(results)
        self.tell_status()

    def _be_about(self, texts: TextSet, place: int) -> None:
        """Let the application be about what is looked at, unless another text is being run."""
        member = texts.members[max(place, 0)]
        results = texts.means if place == MEAN else member.results
        if results is not None and not self.phase.under_way:
            self.order, self.run_number, self.phase = member.order, results.run, Phase.DONE
        if place != MEAN:
            self._text = member.order.text

    def status(self) -> Status:
        """What the top line says."""
        status, texts = super().status(), self.texts
        if texts is None:
            return status
        place = texts.place_of(self.run_number)
        running = "" if place is None or place == texts.at else f"text {place + 1}: "
        return replace(
            status,
            texts=texts.in_words(texts.at),
            activity=f"{running}{status.activity or self.phase.value}" if self.phase.under_way else status.activity,
        )

    # --- what means another thing for a set ----------------------------------------------------------------------

    @property
    def compared_texts(self) -> tuple[str, ...]:
        """The whole set, which is what differences can be tested over."""
        return super().compared_texts if self.texts is None else self.texts.texts

    def measured_for(self, reference: str) -> dict[int, TextRun]:
        """The runs of the set, once it is kept, so that the comparison finds them in the file of runs."""
        texts = self.texts
        if texts is None:
            return super().measured_for(reference)
        members = texts.members if texts.kept and texts.reference == reference else ()
        found = (
            finished_run(member.results, reference, member.order.text, (texts.reference, member.order.text))
            for member in members
        )
        return {place: run for place, run in enumerate(found) if run is not None and self.fleet.holds(run.number)}

    def open_reference(self, reference: str | None) -> None:
        """Run another model on the same texts."""
        if reference is None or self.texts is None or parse(reference).source == "array":
            super().open_reference(reference)
        else:
            self.begin_texts(reference, self.texts.texts)
            self._list_models()

    def action_run_again(self) -> None:
        """Go on with a set that was stopped; run all of its texts where the mean shows, else the one that shows."""
        texts = self.texts
        if texts is None or self.phase.under_way:
            super().action_run_again()
        elif texts.stopped:
            texts.stopped, texts.following, texts.kept = False, True, False
            self._next_text(texts)
        elif texts.at == MEAN:
            self.begin_texts(texts.reference, texts.texts)
        else:
            super().action_run_again()

    def on_tile_failed(self, message: messages.TileFailed) -> None:
        """Run a text again of which the worker had to let the maps go. Textual calls the other methods, too."""
        member = self._member(message.key.run)
        looked_at = self.shows(message.key.run)
        gone = message.fail.kind == GoneError.kind and message.key.priority != SOMEDAY
        if member is not None and looked_at and gone and not self.phase.under_way and not member.repeated:
            member.repeated = True
            self.notify("The worker had no room for the maps of all texts; this one is run again.", markup=False)
            self.submit(member.order)
