"""The application's part in comparisons: passes on what arrives, fetches tiles, has numbers worked out on a thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.message import Message

from faa_core.errors import GoneError
from faa_core.worker.protocol import Fail
from faa_tui import messages
from faa_tui.compared_runs import TextRun
from faa_tui.comparing import Comparing
from faa_tui.session import Results
from faa_tui.tiles import TileRequests

if TYPE_CHECKING:
    from faa_tui.fleet import Fleet
    from faa_tui.screens.compare import CompareScreen

SEED = 0
"""Where the random draws of a comparison begin."""


class ComparisonDesk:
    """One comparison and its screen.

    Args:
        comparing: What is compared.
        screen: Where it is shown.
        fleet: Where requests go.
        hostname: The name that the machine of a reference gives itself; "" while it is not known.
    """

    def __init__(
        self, comparing: Comparing, screen: CompareScreen, fleet: Fleet, hostname: Callable[[str], str]
    ) -> None:
        self._hostname = hostname
        self.comparing = comparing
        self.screen = screen
        self._fleet = fleet
        self._tiles = TileRequests(fleet.fetch, fleet.cancel)
        self._boxes: frozenset[messages.BoxKey] = frozenset()
        self._worked_out: object = None
        self._working = False

    @property
    def at_rest(self) -> bool:
        """Whether nothing is under way: no run, no tile, no numbers."""
        comparing = self.comparing
        ended = all(run.ended for side in comparing.sides for run in side.runs)
        waiting = self._working or self._tiles.waiting or self._boxes
        return ended and not waiting and self.screen.is_drawn

    def hear_run(self, message: messages.RunMessage) -> bool:
        """Take news of a run; whether it belongs to the comparison."""
        run = self.comparing.run_of(message.run)
        if run is None:
            return False
        match message:
            case messages.RunProgressed():
                run.activity = message.progress.text
            case messages.RunStarted(started=started):
                results = Results(
                    message.run, started.model, started.tokens, started.decoder_tokens, started.truncated_from
                )
                self.comparing.started(message.run, results)
            case messages.LayerArrived(ready=ready):
                self.comparing.layer(message.run, ready.result)
            case messages.RunDone(done=done):
                self.comparing.done(message.run, done.seconds, done.notes)
            case messages.RunFailed(fail=fail):
                self.comparing.failed(message.run, fail)
                self.tell_faults()
        self.screen.arrived()
        return True

    def hear_sketch(self, message: messages.SketchArrived) -> None:
        """Keep the sketch of a layer."""
        self.comparing.sketched(message.key, message.sketched.sketch)

    def hear_answer(self, message: messages.Answered | messages.AnswerFailed) -> None:
        """Take the end of an alignment or a sketch."""
        if isinstance(message, messages.Answered):
            self.comparing.answered(message.key)
        else:
            gone = message.fail.kind == GoneError.kind
            if self.comparing.answer_failed(message.key, gone):
                self._show(self.comparing.sides[0].reference, message.fail)
        self.screen.arrived()

    def hear_tile(self, message: messages.TileArrived | messages.TileFailed) -> None:
        """Draw a tile; one that will not come may be asked for again when its map is looked at again."""
        if self.comparing.run_of(message.key.run) is not None:
            if isinstance(message, messages.TileArrived):
                self.screen.put_tile(message.key, message.block)
            elif message.key.address.without_first:
                self.screen.refuse_without_first(message.key.run, message.fail)
            elif message.fail.kind == GoneError.kind:
                # The worker needed the room for other maps. Whoever looks at this one wants it again.
                self.comparing.repeat(message.key.run)
                self.screen.arrived()
            else:
                self.screen.forget_pending()
        self._tiles.ended(message.key)

    def want_boxes(self, message: CompareScreen.BoxesWanted) -> None:
        """Ask which boxes are counted, and no more for those that nobody looks at any more."""
        before, self._boxes = self._boxes, message.keys
        for key in before - self._boxes:
            self._fleet.cancel(key)
        for key in self._boxes - before:
            self._fleet.ask(key)

    def hear_boxes(self, message: messages.BoxesArrived | messages.BoxesFailed) -> None:
        """Draw boxes, or say why there are none; what was given up needs no word."""
        if message.key in self._boxes:
            self._boxes -= {message.key}
            if isinstance(message, messages.BoxesArrived):
                self.screen.put_boxes(message.key, message.occupied)
            else:
                self.screen.refuse_boxes(message.key, message.fail)

    def hear_numbers(self, message: messages.Compared) -> bool:
        """Take the numbers of a comparison, unless they are out of date; whether they were taken."""
        taken = self.comparing.worked_out(message.other, message.comparison, message.edition)
        if taken:
            self.screen.arrived()
        return taken

    def lost(self, host: str) -> None:
        """The worker of a machine is gone: tiles of its runs will not come."""
        self._tiles.clear()
        self.screen.forget_pending()
        self.screen.arrived()

    def want(self, message: CompareScreen.TileWanted) -> None:
        """Fetch a tile that is on the screen."""
        self._tiles.want(message.key, message.beside)

    def prefetch(self) -> None:
        """Fetch what may be looked at next, while nothing else is wanted."""
        self._tiles.prefetch(self.screen.missing_overviews())

    def begin_work(self) -> bool:
        """Whether numbers are to be worked out now: more is known than before, and no thread is at it already."""
        state = (self.comparing.edition, tuple(self.comparing.complete_texts()))
        if self._working or state == self._worked_out or not state[1] or self.comparing.kept:
            return False
        self._working, self._worked_out = True, state
        return True

    def hear_end(self, message: messages.WorkedOut) -> None:
        """The thread is free for what has come meanwhile."""
        self._working = False
        if message.fail is not None:
            self._show(self.comparing.sides[0].reference, message.fail)

    def jobs(self) -> list[Callable[[], Message]]:
        """What works out the numbers of each side with the first one; to be called on a thread."""
        comparing = self.comparing
        edition, first = comparing.edition, comparing.analyses(0)
        sketches = comparing.sketches(0)

        def job(other: int) -> Callable[[], Message]:
            analyses, theirs = comparing.analyses(other), comparing.sketches(other)
            references = (comparing.sides[0].reference, comparing.sides[other].reference)
            hosts = (self._hostname(references[0]), self._hostname(references[1]))
            matching = comparing.matchings.get(other)
            by_divergence = comparing.by_divergence

            def work() -> Message:
                # Imported here: SciPy takes a while, and this is no thread that draws.
                from faa_core.comparison.compare import compare

                found = compare(
                    first,
                    analyses,
                    sketches,
                    theirs,
                    references=references,
                    hosts=hosts,
                    matching=matching,
                    by_divergence=by_divergence,
                    seed=SEED,
                )
                return messages.Compared(found, other, edition)

            return work

        return [job(other) for other in range(1, len(comparing.sides))]

    def tell_faults(self) -> None:
        """Show the first fault there is."""
        for reference, fail in self.comparing.faults():
            self._show(reference, fail)
            return

    def _show(self, reference: str, fail: Fail) -> None:
        keys = "[{compare.run}] run again  [{compare.open}] another model  [{compare.back}] close"
        if fail.kind == "login":
            keys = "[{login}] log in  [{compare.back}] close"
        self.screen.show_fault(Fail(fail.id, fail.kind, f"{reference}: {fail.text}", fail.hint, fail.retry), keys)


def finished_run(results: Results | None, reference: str, text: str, shown: tuple[str, str]) -> TextRun | None:
    """The main screen's run as one of a comparison, where it is of the same model and text and complete."""
    if results is None or results.seconds is None or shown != (reference, text):
        return None
    return TextRun(results.run, results, done=True, borrowed=True)
