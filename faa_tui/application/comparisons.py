"""The application's comparison: opened, passed what arrives, its numbers worked out on a thread."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from textual.timer import Timer

from faa_core.errors import FaaError
from faa_core.records import Analysis
from faa_core.worker.protocol import SOMEDAY, Fail, RunOptions
from faa_tui import messages, paths
from faa_tui.application.models import ModelsApp
from faa_tui.compared_runs import TextRun
from faa_tui.comparing import Comparing, default_references
from faa_tui.comparison_desk import SEED, ComparisonDesk, finished_run
from faa_tui.fleet import HERE, host_of
from faa_tui.history import History
from faa_tui.little_map_requests import LittleMapRequests
from faa_tui.little_maps import every_head, every_head_over, telling_heads, telling_heads_over
from faa_tui.rendering.choices import MapColours
from faa_tui.samples import default_sample
from faa_tui.session import Order, Position, Results

if TYPE_CHECKING:
    from faa_tui.screens.compare import CompareScreen

REST_SECONDS = 0.1
"""How long a head is looked at before its neighbours are fetched; its own map is asked for at once."""


class ComparisonsApp(ModelsApp, inherit_bindings=False):
    """Has one comparison, which stays while the user looks at something else.

    Args:
        order: What is analysed at first.
        command: Command line of the worker on this machine.
        others: Models to compare it with; by default its untrained twin.
    """

    def __init__(self, order: Order, command: Sequence[str] | None, others: Sequence[str] = ()) -> None:
        super().__init__(command)
        self.order = order
        self.others = tuple(others)
        self.desk: ComparisonDesk | None = None
        self.history = History(
            paths.runs(),
            lambda error: self.post_message(messages.NotKept(error)),
            lambda run: self.post_message(messages.RunKept(run)),
        )
        self.colours = MapColours()
        """How maps are coloured, on both screens."""
        self._little = LittleMapRequests(self.fleet.fetch)
        self._numbers = itertools.count(1)
        self._resting: Timer | None = None

    @property
    def shown_results(self) -> Results | None:
        """The run on the main screen."""
        return None

    # --- comparisons ---------------------------------------------------------------------------------------------

    @property
    def shown_position(self) -> Position | None:
        """The head that the main screen shows."""
        return None

    def new_number(self) -> int:
        """A number that no run of this application has had."""
        return next(self._numbers)

    def action_compare(self) -> None:
        """Open the comparison: the one there was, or of the model on the screen with its untrained twin.

        A set of texts that shows is compared over; a comparison over other texts gives way to that.
        """
        from faa_tui.screens.compare import CompareScreen

        texts = self.compared_texts
        if self.desk is None or (len(texts) > 1 and self.desk.comparing.texts != texts):
            current = self.order.reference
            references = (current, *self.others) if self.others else default_references(current)
            if self.desk is not None:
                before = tuple(side.reference for side in self.desk.comparing.sides)
                references = before if current in before else references
                self.desk.comparing.close()
            comparing = Comparing(references, texts, self.order.options, self.fleet, self.new_number)
            self.desk = ComparisonDesk(comparing, CompareScreen(comparing, self.colours), self.fleet, self._hostname)
            comparing.begin(self.measured_for(references[0]))
            if references[0] == current:
                self.desk.screen.position = self.shown_position
            if len(texts) > 1:
                said = f"The models are compared over the {len(texts)} texts of the set."
                self.notify(said, title="Comparison", markup=False)
        self.push_screen(self.desk.screen)

    @property
    def compared_texts(self) -> tuple[str, ...]:
        """What models are compared on: the text on the screen."""
        # A file of attention has no text; the models beside it are compared on one.
        return (self.order.text or default_sample().text,)

    def measured_for(self, reference: str) -> dict[int, TextRun]:
        """Finished runs of a model on `compared_texts`, by their places, whose maps its worker still holds."""
        shown = (self.order.reference, self.order.text)
        ready = finished_run(self.shown_results, reference, self.compared_texts[0], shown)
        return {0: ready} if ready is not None and self.fleet.holds(ready.number) else {}

    def _hostname(self, reference: str) -> str:
        hello = self.worker(host_of(reference)).hello
        return "" if hello is None else hello.hostname

    def keep_run(self, number: int, analysis: Analysis, options: RunOptions) -> None:
        """Keep a finished run, and fetch maps of it in little, so that they can be kept as well.

        Args:
            number: Its number.
            analysis: It, with its model named as it was asked for.
            options: How it was asked for.
        """
        reference = analysis.model.reference
        if self.history.keep(number, analysis, self._hostname(reference), options):
            # Every map that travels over a network is waited for by somebody who looks at another one.
            wishes = every_head(analysis) if host_of(reference) == HERE else telling_heads(analysis)
            self._little.want(number, wishes, partial(self.history.keep_overviews, number))

    def on_tile_arrived(self, message: messages.TileArrived) -> None:
        """Keep a map in little that nobody looks at. Textual calls the methods of derived classes, too."""
        if message.key.priority == SOMEDAY:
            self._little.arrived(message.key, message.block)

    def on_tile_failed(self, message: messages.TileFailed) -> None:
        """Do without a map that nobody looks at. Textual calls the methods of derived classes, too."""
        if message.key.priority == SOMEDAY:
            self._little.failed(message.key)

    def let_go(self, results: Results | None) -> None:
        """Let the worker forget a run that is on no screen any more."""
        if results is not None and (self.desk is None or self.desk.comparing.run_of(results.run) is None):
            self.fleet.release(results.run)

    def work_out(self) -> None:
        """Work the numbers of the comparison out anew, on a thread, if there is something new to say."""
        desk = self.desk
        if desk is None or not desk.begin_work():
            return
        jobs = desk.jobs()

        def work() -> None:
            fail = None
            try:
                for job in jobs:
                    self.post_message(job())
            except FaaError as error:
                fail = Fail(0, error.kind, error.message, error.hint)
            finally:
                self.post_message(messages.WorkedOut(fail))

        self.run_worker(work, group="comparison", thread=True, exit_on_error=False)

    def on_worked_out(self, message: messages.WorkedOut) -> None:
        """Go on with what has come meanwhile."""
        if self.desk is not None:
            self.desk.hear_end(message)
            self.work_out()

    def heard(self, message: messages.RunMessage) -> None:
        """Pass on news of a run to the comparison, if it is one of its runs."""
        if self.desk is not None and self.desk.hear_run(message):
            comparing = self.desk.comparing
            analysis = comparing.analysis(message.run) if isinstance(message, messages.RunDone) else None
            if analysis is not None:
                self.keep_run(message.run, analysis, comparing.options)
            self.work_out()

    def on_compare_layout_tile_wanted(self, message: CompareScreen.TileWanted) -> None:
        """Something on the screen of the comparison waits for it."""
        if self.desk is not None:
            self.desk.want(message)

    def on_compare_screen_boxes_wanted(self, message: CompareScreen.BoxesWanted) -> None:
        """Something on the screen of the comparison waits for them."""
        if self.desk is not None:
            self.desk.want_boxes(message)

    def on_boxes_arrived(self, message: messages.BoxesArrived) -> None:
        """Draw them. Textual calls the methods of derived classes, too."""
        if self.desk is not None:
            self.desk.hear_boxes(message)

    def on_boxes_failed(self, message: messages.BoxesFailed) -> None:
        """Say why there are none. Textual calls the methods of derived classes, too."""
        if self.desk is not None:
            self.desk.hear_boxes(message)

    def on_compare_layout_maps_shown(self) -> None:
        """Once these heads rest, fetch the overviews of their neighbours, so that they are here when wanted."""
        if self._resting is not None:
            self._resting.stop()
        if self.desk is not None:
            self._resting = self.set_timer(REST_SECONDS, self.desk.prefetch)

    def on_compare_screen_numbers_wanted(self) -> None:
        """The comparison is another one now."""
        self.work_out()

    def on_sketch_arrived(self, message: messages.SketchArrived) -> None:
        """Keep the sketch of a layer."""
        if self.desk is not None:
            self.desk.hear_sketch(message)

    def on_answered(self, message: messages.Answered) -> None:
        """An alignment is laid, or a sketch complete."""
        if self.desk is not None:
            self.desk.hear_answer(message)
            self.work_out()

    def on_answer_failed(self, message: messages.AnswerFailed) -> None:
        """Go on without the sketch."""
        if self.desk is not None:
            self.desk.hear_answer(message)
            self.work_out()

    def on_compared(self, message: messages.Compared) -> None:
        """The numbers are here; those over all texts are kept."""
        if self.desk is not None and self.desk.hear_numbers(message):
            comparing = self.desk.comparing
            a, b = comparing.finished(0), comparing.finished(message.other)
            whole = len(message.comparison.segments) == len(comparing.texts)  # not of before the last ones came
            if whole and a is not None and b is not None:
                number = self.new_number()
                self.history.keep_comparison(number, message.comparison, a, b, comparing.options, SEED)
                for place in range(len(comparing.texts)):
                    self._keep_segments(number, message, place)

    def _keep_segments(self, number: int, message: messages.Compared, place: int) -> None:
        """Keep how tokens were joined on a text, and fetch maps over that, of both sides."""
        assert self.desk is not None
        comparing = self.desk.comparing
        over = comparing.over_segments(place)
        if not over:
            return
        self.history.keep_segments(number, place, over, message.other)
        for side, index in enumerate((0, message.other)):
            state = comparing.sides[index]
            # As of runs: of every text those of all heads would be more than anybody will look at.
            whole = place == 0 and host_of(state.reference) == HERE
            heads = every_head_over if whole else telling_heads_over
            self._little.want(
                state.runs[place].number,
                heads(over, message.comparison, side),
                partial(self.history.keep_segment_overviews, number, side, place),
                partial(comparing.still_over, place, over),
            )

    def on_not_kept(self, message: messages.NotKept) -> None:
        """Say so; whatever is on the screen stays there."""
        self.notify(str(message.error), title="Kept runs", severity="warning", markup=False, timeout=15)
