"""The application around one model: its run on the main screen, and what is done with it."""

from __future__ import annotations

import time
from collections.abc import Sequence

from textual.timer import Timer

from faa_core.errors import Cancelled, FaaError, LoginError, WorkerError, by_kind
from faa_core.reference import parse
from faa_core.worker.protocol import SOMEDAY, Fail, RunOptions
from faa_tui import messages, recent, recent_texts
from faa_tui.application.comparisons import REST_SECONDS, ComparisonsApp
from faa_tui.fleet import host_of
from faa_tui.live_keys import key_of
from faa_tui.model_list import BUNDLED
from faa_tui.rendering.tiles import cells_at
from faa_tui.samples import default_sample
from faa_tui.screens.examination import ExaminationScreen
from faa_tui.screens.main import MainScreen
from faa_tui.session import Order, Phase, Position, Results
from faa_tui.tiles import TileRequests
from faa_tui.token_estimate import TokenEstimate
from faa_tui.transfer import Transfer
from faa_tui.widgets.model_pane import ModelPane
from faa_tui.widgets.notice import LONG
from faa_tui.widgets.status_bar import Status


class RunsApp(ComparisonsApp, inherit_bindings=False):
    """Has one run on the main screen after another.

    Args:
        reference: Model to open.
        text: Text to analyse; ``None`` for the default sample.
        options: How to run.
        command: Command line of the worker on this machine.
        others: Models to compare it with.
    """

    def __init__(
        self,
        reference: str,
        text: str | None,
        options: RunOptions | None,
        command: Sequence[str] | None,
        others: Sequence[str],
    ) -> None:
        self._text = default_sample().text if text is None else text
        super().__init__(self._order(reference, self._text, options or RunOptions()), command, others)
        self.main = MainScreen(self.colours)
        self.phase = Phase.IDLE
        self.run_number = 0
        self._activity = ""
        self._transfer = Transfer()
        self._run_began = 0.0
        self._cancel_asked = False
        self._fail: Fail | None = None
        self._boxes: messages.BoxKey | None = None
        self._tiles = TileRequests(self.fleet.fetch, self.fleet.cancel)
        self._rest: Timer | None = None

    @staticmethod
    def _order(reference: str, text: str, options: RunOptions) -> Order:
        """An order; a file of attention has no text of its own."""
        return Order(reference, "" if parse(reference).source == "array" else text, options)

    # --- runs ----------------------------------------------------------------------------------------------------

    def submit(self, order: Order) -> None:
        """Begin a run; one that is under way is given up."""
        worker = self.worker(host_of(order.reference))
        self.take(order, Phase.LOADING if worker.ready else Phase.STARTING)
        worker.last_sign = self._run_began
        self.tell_status()
        self.fleet.run(self.run_number, order)

    def take(self, order: Order, phase: Phase) -> None:
        """Let another order be the one that the main screen is about; a run that is under way is given up."""
        if self.phase.under_way:
            self.fleet.cancel(self.run_number)
        self.order, self.phase = order, phase
        self.run_number = self.new_number()
        self._activity = ""
        self._cancel_asked = False
        self._fail = None
        self._run_began = time.monotonic()
        self._tiles.clear()
        self.main.clear_fault()

    def open_reference(self, reference: str | None) -> None:
        """Analyse the present text with another model; ``None`` changes nothing."""
        if reference is not None:
            self.submit(self._order(reference, self._text, self.order.options))
            self._list_models()

    def known_models(self) -> tuple[str, ...]:
        """References that the user may want again."""
        return tuple(dict.fromkeys((*BUNDLED, self.order.reference, *recent.load())))

    def _list_models(self) -> None:
        try:
            hosts = self.hosts.names
        except FaaError as error:
            hosts = ()
            self.notify(str(error), title="Configuration", severity="error", markup=False, timeout=15)
        self.main.show_models(recent.load(), self.order.reference, hosts, self.loaded_models)

    def _is_current(self, message: messages.RunMessage) -> bool:
        self.worker(self.fleet.host_of_run(message.run)).last_sign = time.monotonic()
        self.heard(message)
        return message.run == self.run_number and self.phase.under_way

    def on_run_progressed(self, message: messages.RunProgressed) -> None:
        """Say what the worker is doing."""
        if self._is_current(message):
            progress = message.progress
            amount = f" layer {progress.done} of {progress.total}" if progress.unit == "layers" else ""
            self._activity = f"{progress.text}{amount}"
            if Transfer.follows(progress):
                self._activity = self._transfer.told(progress, time.monotonic())
            self.tell_status()

    def on_model_loaded(self, message: messages.ModelLoaded) -> None:
        """A model that could be loaded is worth remembering."""
        self.ask_residents(self.fleet.host_of_run(message.run))
        if self._is_current(message) and self.order.reference not in BUNDLED:
            recent.remember(self.order.reference)
            self._list_models()

    def on_run_started(self, message: messages.RunStarted) -> None:
        """From here on the screen shows the new run."""
        if self._is_current(message):
            started = message.started
            self.phase, self._activity = Phase.RUNNING, ""
            self.begin_results(
                Results(
                    message.run,
                    started.model,
                    started.tokens,
                    started.decoder_tokens,
                    started.truncated_from,
                    text=self.order.text,
                )
            )
            self.tell_status()

    def begin_results(self, results: Results) -> None:
        """A run has begun: show it."""
        recent_texts.remember(results.text, len(results.tokens))
        self.let_go(self.main.results)
        self.main.begin(results)

    def results_of(self, run: int) -> Results | None:
        """What has arrived of a run; ``None`` where it is not here."""
        return self.main.results if self.shows(run) else None

    def shows(self, run: int) -> bool:
        """Whether the main screen shows a run."""
        return self.main.results is not None and self.main.results.run == run

    def on_layer_arrived(self, message: messages.LayerArrived) -> None:
        """Add a layer to the run on the screen."""
        if self._is_current(message) and (results := self.results_of(message.run)) is not None:
            ready = message.ready
            results.layers[ready.result.info.kind, ready.result.info.layer] = ready.result
            self._activity = f"layer {len(results.layers)} of {ready.total}"
            self.main.arrived()

    def on_run_done(self, message: messages.RunDone) -> None:
        """The run is complete."""
        if self._is_current(message):
            self.phase, self.worker(self.current_host).busy = Phase.DONE, False
            self.ask_residents(self.current_host)
            self.main.arrived()
            if (results := self.results_of(message.run)) is not None:
                results.seconds, results.notes = message.done.seconds, message.done.notes
                self.finished(results)
            self.tell_status()

    def finished(self, results: Results) -> None:
        """A run is complete: keep it, and say what is to be said about it."""
        self.keep_run(results.run, results.analysis(self.order.reference, self.order.text), self.order.options)
        for note in results.notes:
            self.notify(note, title="Note", markup=False, timeout=10)

    def on_run_failed(self, message: messages.RunFailed) -> None:
        """Keep what is on the screen, and say what happened."""
        if self._is_current(message):
            cancelled = message.fail.kind == "cancelled"
            self.phase = Phase.CANCELLED if cancelled else Phase.FAILED
            self.tell_status()
            self.not_finished(message.fail)

    def not_finished(self, fail: Fail) -> None:
        """A run will not be complete: say why."""
        self.show_fault(fail)

    # --- models --------------------------------------------------------------------------------------------------

    @property
    def wishes(self) -> tuple[RunOptions, int]:
        """How a model would be run, and on how many tokens."""
        results = self.main.results
        return self.order.options, 0 if results is None else len(results.tokens)

    def residents_changed(self) -> None:
        """Mark what is in memory."""
        self._list_models()

    def in_use(self, reference: str) -> bool:
        """Whether the run under way, or one of a comparison, is of this model."""
        at_work = [self.order.reference] if self.phase.under_way else []
        if self.desk is not None and not self.desk.at_rest:
            at_work += [side.reference for side in self.desk.comparing.sides]
        return reference in at_work

    # --- workers -------------------------------------------------------------------------------------------------

    @property
    def current_host(self) -> str:
        """Machine of the model that was asked for last."""
        return host_of(self.order.reference)

    def workers_changed(self) -> None:
        """Say how the worker is; once it is there, it loads what was sent behind its greeting."""
        if self.phase is Phase.STARTING and self.worker(self.current_host).ready:
            self.phase = Phase.LOADING
        self.tell_status()

    def worker_lost(self, host: str, fail: Fail) -> None:
        """The results stay, and the next run starts another worker."""
        self.forget_residents(host)
        if self.desk is not None:
            self.desk.lost(host)
        if host == self.current_host:
            self._tiles.clear()
            if self.phase.under_way:
                self.phase = Phase.FAILED
            if self._fail is None or not issubclass(
                by_kind(self._fail.kind), WorkerError
            ):  # its run has told it already
                self.show_fault(fail)

    def logged_in(self, host: str) -> None:
        """Go on with what failed for want of a login."""
        self._fail = None
        if host == self.current_host and self.phase is Phase.FAILED:
            self.submit(self.order)
        if self.desk is not None:
            self.desk.screen.action_run_again()

    def host_added(self, name: str) -> None:
        """Ask for a model on it."""
        self._list_models()
        self.action_open_model(f"{name}:")

    @property
    def shown_results(self) -> Results | None:
        """The run on the main screen."""
        return self.main.results

    @property
    def shown_position(self) -> Position | None:
        """The head that the main screen shows."""
        return self.main.position

    @property
    def at_rest(self) -> bool:
        """Whether nothing is under way: no run, no tile, and no comparison."""
        return not self.phase.under_way and not self._tiles.waiting and (self.desk is None or self.desk.at_rest)

    # --- tiles ---------------------------------------------------------------------------------------------------

    def on_main_screen_shown(self) -> None:
        """Analyse what nobody has asked for yet, because a comparison was opened first."""
        if self.run_number == 0 and self.desk is not None:
            self.submit(self.order)

    def on_main_screen_tile_wanted(self, message: MainScreen.TileWanted) -> None:
        """Something on the screen waits for it."""
        self._tiles.want(message.key)

    def on_main_screen_head_shown(self, message: MainScreen.HeadShown) -> None:
        """Once this head rests, fetch the overviews of its neighbours, so that they are here when they are wanted."""
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(REST_SECONDS, lambda: self._tiles.prefetch(self.main.missing_overviews()))

    def on_tile_arrived(self, message: messages.TileArrived) -> None:
        """Draw it, or keep it for later. Textual calls the method of the base class, too."""
        self.worker(self.fleet.host_of_run(message.key.run)).last_sign = time.monotonic()
        if message.key.priority == SOMEDAY:
            return
        if self.shows(message.key.run) and not message.key.aligned:
            self.main.put_tile(message.key, message.block)
            self._keep_overview(message)
        self._tiles.ended(message.key)
        if self.desk is not None:
            self.desk.hear_tile(message)

    def _keep_overview(self, message: messages.TileArrived) -> None:
        """Keep a whole map, in little, beside its run."""
        key, results = message.key, self.main.results
        layer = None if results is None else results.at(Position(*key.address[1:4]))
        plain = not key.address.without_first
        if plain and layer is not None and results is not None and results.run == key.run:
            whole = (0, cells_at(layer.queries, key.level), 0, cells_at(layer.keys, key.level))
            if whole == (key.row, key.row_stop, key.column, key.column_stop):
                self.history.keep_overview(key.address, key.level, message.block)

    def on_tile_failed(self, message: messages.TileFailed) -> None:
        """The map may ask again when it is looked at again. Textual calls the method of the base class, too."""
        if message.key.priority == SOMEDAY:
            return
        self._tiles.ended(message.key)
        self.main.forget_pending()
        if message.key.address.without_first and self.shows(message.key.run):
            self.main.refuse_without_first(message.fail)
        if self.desk is not None:
            self.desk.hear_tile(message)

    # --- boxes ---------------------------------------------------------------------------------------------------

    def on_main_screen_boxes_wanted(self, message: MainScreen.BoxesWanted) -> None:
        """Ask which boxes are counted, and no more for those that were asked for before."""
        if self._boxes is not None:
            self.fleet.cancel(self._boxes)
        self._boxes = message.key
        if message.key is not None:
            self.fleet.ask(message.key)

    def on_boxes_arrived(self, message: messages.BoxesArrived) -> None:
        """Draw them. Textual calls the method of the base class, too."""
        if message.key == self._boxes:
            self.main.put_boxes(message.key, message.occupied)

    def on_boxes_failed(self, message: messages.BoxesFailed) -> None:
        """Say why there are none; what was given up needs no word. Textual calls the method of the base class, too."""
        if message.key == self._boxes and message.fail.kind != Cancelled.kind:
            self.main.refuse_boxes(message.key, message.fail)

    # --- one head at length --------------------------------------------------------------------------------------

    def action_examine(self) -> None:
        """Measure the head that is looked at, and show what comes."""
        address = self.main.address
        if address is None:
            self.notify("There is no measured head to examine yet.", title="Examine", markup=False)
            return
        key = messages.HeadKey(address)
        self.push_screen(ExaminationScreen(key), lambda _: self.fleet.cancel(key))
        self.fleet.ask(key)

    def on_head_examined(self, message: messages.HeadExamined) -> None:
        """Keep what was measured, and fill the dialog, if it is still open."""
        self.history.keep_examination(message.key.run, message.examination)
        self.main.put_examination(message.key.run, message.examination)
        if isinstance(self.screen, ExaminationScreen) and self.screen.key == message.key:
            self.screen.show(message.examination)

    def on_examination_failed(self, message: messages.ExaminationFailed) -> None:
        """Say why, in the dialog."""
        if isinstance(self.screen, ExaminationScreen) and self.screen.key == message.key:
            self.screen.show_fail(message.fail)

    # --- what the user is told -----------------------------------------------------------------------------------

    def tell_status(self) -> None:
        """Write the top line."""
        self.main.show_status(self.status())

    def status(self) -> Status:
        """What the top line says."""
        results = self.main.results
        shown = results if results is not None and results.run == self.run_number else None
        seconds = time.monotonic() - self._run_began if self.phase.under_way else (shown.seconds if shown else None)
        activity = f"cancelling, {key_of(self, 'back')} again ends the worker" if self._cancel_asked else self._activity
        worker, ill = self.worker_words(self.current_host, self.phase.under_way)
        asked = self.order.reference
        # What shows may be of another model, until the first layer of this run comes or where it has failed.
        earlier = results.model.reference if results is not None and shown is None else ""
        other = earlier not in ("", asked.removeprefix(f"{host_of(asked)}:"))
        return Status(
            reference=earlier if other else asked,
            asked=asked if other else "",
            model=results.model if results else None,
            tokens=len(results.tokens) if results else 0,
            truncated_from=results.truncated_from if results else None,
            run=self.run_number,
            phase=self.phase,
            activity=activity,
            seconds=seconds,
            worker=worker,
            worker_ill=ill,
            memory=self.worker(self.current_host).memory_on(results.model.device) if results else 0,
        )

    def show_fault(self, fail: Fail) -> None:
        """Show a fault until it is dealt with; one that is long or has a remedy in a dialog at once."""
        self._fail = fail
        keys = "[{run}] run again  [{message}] details  [{back}] close"
        if fail.kind == LoginError.kind:
            keys = "[{login}] log in  [{message}] details  [{back}] close"
        if self._truncatable(fail):
            keys = "[{message}] details, cut the text  [{text}] edit the text  [{back}] close"
        self.main.show_fault(fail, keys)
        if self._truncatable(fail) or len(fail.text) + len(fail.hint) > LONG:
            self.action_message()

    def _truncatable(self, fail: Fail) -> bool:
        return fail.kind == "text" and bool(self.order.text.strip()) and not self.order.options.truncate

    # --- actions -------------------------------------------------------------------------------------------------

    def action_run_again(self) -> None:
        """Analyse the same text with the same model again."""
        if self.phase.under_way:
            self.notify(f"A run is under way; {key_of(self, 'back')} cancels it.", markup=False)
        else:
            self.submit(self.order)

    def action_cancel(self) -> None:
        """Cancel the run; the second time end the worker, for one that does not listen. Else close the message."""
        if not self.phase.under_way:
            self.main.clear_fault()
        elif self._cancel_asked:
            self.fleet.link(self.current_host).kill()
        else:
            self._cancel_asked = True
            self.fleet.cancel(self.run_number)
            self.tell_status()

    def action_message(self) -> None:
        """Show the last fault in full."""
        if self._fail is None:
            self.notify("There is no message.", markup=False)
            return
        from faa_tui.screens.message import MessageScreen, Remedy

        def answered(remedy: Remedy | None) -> None:
            if remedy == "truncate":
                self.submit(self.order.truncated())
            elif remedy == "run":
                self.submit(self.order)

        self.push_screen(MessageScreen(self._fail, self._truncatable(self._fail)), answered)

    def takes_text(self) -> bool:
        """Whether there is a model to read texts; where there is a file of attention the user is told."""
        takes = parse(self.order.reference).source != "array"
        if not takes:
            said = f"A file of attention has no text; {key_of(self, 'open')} opens a model."
            self.notify(said, markup=False)
        return takes

    def action_edit_text(self) -> None:
        """Edit the text, and run it."""
        from faa_tui.screens.text_editor import TextEditor

        if not self.takes_text():
            return

        def answered(text: str | None) -> None:
            if text is not None:
                self._text = text
                self.submit(self._order(self.order.reference, text, self.order.options))

        self.push_screen(TextEditor(self._text, self._token_estimate()), answered)

    def _token_estimate(self) -> TokenEstimate | None:
        """What the run on the screen tells of the tokens of the model that is asked next."""
        results = self.main.results
        if results is None or not results.text or results.run != self.run_number:
            return None
        return TokenEstimate(results.text, results.truncated_from or len(results.tokens), results.model.context)

    def action_open_model(self, begin: str = "") -> None:
        """Ask for a reference, of which ``begin`` is known, and run it."""
        from faa_tui.screens.open_model import OpenModel

        self.push_screen(OpenModel(begin), self.open_reference)

    # --- panes ---------------------------------------------------------------------------------------------------

    def on_model_pane_opened(self, event: ModelPane.Opened) -> None:
        """Run the chosen model."""
        event.stop()
        self.open_reference(event.reference)

    def on_model_pane_other_wanted(self, event: ModelPane.OtherWanted) -> None:
        """Ask for a reference."""
        event.stop()
        self.action_open_model(event.begin)

    def on_model_pane_details_wanted(self, event: ModelPane.DetailsWanted) -> None:
        """Say what the marked model is, and open it if that is wanted."""
        from faa_tui.screens.model_details import ModelDetailsScreen

        event.stop()
        self.push_screen(ModelDetailsScreen(event.reference), self.open_reference)

    def on_model_pane_host_wanted(self, event: ModelPane.HostWanted) -> None:
        """Ask for a machine."""
        event.stop()
        self.action_add_host()
