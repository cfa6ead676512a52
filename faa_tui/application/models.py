"""The models at hand: those on each machine, what each would be, and those in memory."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from faa_core.errors import FaaError, UsageError
from faa_core.reference import parse
from faa_core.worker.protocol import (
    Done,
    Fail,
    Inspect,
    Inspected,
    Models,
    ModelsReport,
    Paths,
    PathsReport,
    Resident,
    ResidentReport,
    Residents,
    RunOptions,
    Unload,
)
from faa_tui import messages, recent
from faa_tui.application.workers import WorkersApp
from faa_tui.fleet import HERE, host_of
from faa_tui.live_keys import key_of
from faa_tui.messages import DetailsWanted, Inquiry, ModelsWanted, PathsWanted
from faa_tui.rendering.bytes_in_words import in_words
from faa_tui.screens.model_dialog import ModelDialog
from faa_tui.widgets.model_pane import ModelPane


class ModelsApp(WorkersApp, inherit_bindings=False):
    """Asks workers about models, and passes what they say to whoever shows it.

    Args:
        command: Command line of the worker on this machine; by default that of this Python.
    """

    def __init__(self, command: Sequence[str] | None) -> None:
        super().__init__(command)
        self._residents: dict[str, tuple[Resident, ...]] = {}
        self._wanted: dict[Inquiry, DetailsWanted] = {}

    # --- what the rest of the application adds -------------------------------------------------------------------

    @property
    def wishes(self) -> tuple[RunOptions, int]:
        """How a model would be run, and on how many tokens; 0 where that is not known."""
        return RunOptions(), 0

    def residents_changed(self) -> None:
        """Other models are in memory."""

    def in_use(self, reference: str) -> bool:
        """Whether something is being worked out with a model."""
        return False

    # --- models in memory ----------------------------------------------------------------------------------------

    @property
    def loaded_models(self) -> dict[str, int]:
        """References of the models in memory, with their bytes and those of their runs."""
        return {
            f"{host}:{model.reference}" if host else model.reference: model.weights + model.maps
            for host, models in self._residents.items()
            for model in models
        }

    def ask_residents(self, host: str) -> None:
        """Learn anew which models are in memory on a machine, if a worker is there."""
        worker = self.worker(host)
        if worker.hello is not None and "residents" in worker.hello.capabilities:
            self.fleet.inquire(Inquiry(host, Residents(0)))

    def forget_residents(self, host: str) -> None:
        """The worker of a machine is gone, and with it what it held."""
        if self._residents.pop(host, None):
            self.residents_changed()

    def on_model_pane_unload_wanted(self, event: ModelPane.UnloadWanted) -> None:
        """Give back the memory of a model, unless it is at work."""
        event.stop()
        reference = event.reference
        if reference not in self.loaded_models:
            self.notify(f"{reference} is not in memory.", markup=False)
        elif self.in_use(reference):
            self.notify(f"{reference} is at work; {key_of(self, 'back')} cancels its run.", markup=False)
        else:
            local = msgspec.structs.replace(parse(reference), host=None)
            self.fleet.inquire(Inquiry(host_of(reference), Unload(0, str(local))))

    # --- what dialogs want ---------------------------------------------------------------------------------------

    def on_models_wanted(self, message: ModelsWanted) -> None:
        """Ask a machine for its models. A worker is started there if need be."""
        try:
            hosts = self.hosts.names
        except FaaError:
            hosts = ()  # which the start of the application has told
        if isinstance(self.screen, ModelDialog):
            self.screen.hear_surroundings(hosts, self.loaded_models)
        self.fleet.inquire(Inquiry(message.host, Models(0, (".", *recent.folders(message.host)))))

    def on_details_wanted(self, message: DetailsWanted) -> None:
        """Ask the machine of a model what it is; one that is not connected is left alone."""
        host = host_of(message.reference)
        if host != HERE and not self.worker(host).ready:
            if isinstance(self.screen, ModelDialog):
                said = Fail(0, UsageError.kind, f"{host} is not connected.", "Opening a model there connects to it.")
                self.screen.hear_fault(message, said)
            return
        local = msgspec.structs.replace(parse(message.reference), host=None)
        options, tokens = self.wishes
        job = Inspect(0, str(local), self._options_on(host, options), tokens, message.ask_hub)
        inquiry = Inquiry(host, job)
        self._wanted[inquiry] = message
        self.fleet.inquire(inquiry)

    def on_paths_wanted(self, message: PathsWanted) -> None:
        """Ask the machine what continues a path, where its worker is there and knows the question."""
        worker = self.worker(message.host)
        if worker.ready and worker.hello is not None and "paths" in worker.hello.capabilities:
            self.fleet.inquire(Inquiry(message.host, Paths(0, message.typed)))
        elif isinstance(self.screen, ModelDialog):
            self.screen.hear_places(message, None)

    # --- what workers say ----------------------------------------------------------------------------------------

    def on_replied(self, message: messages.Replied) -> None:
        """Pass it on."""
        inquiry, screen = message.inquiry, self.screen
        dialog = screen if isinstance(screen, ModelDialog) else None
        match message.reply:
            case ResidentReport(models=models):
                self._residents[inquiry.host] = models
                self.residents_changed()
            case ModelsReport(inventory=inventory) if dialog is not None:
                dialog.hear_models(inquiry.host, inventory)
            case PathsReport() as report if dialog is not None and isinstance(inquiry.job, Paths):
                dialog.hear_places(PathsWanted(inquiry.host, inquiry.job.typed), report)
            case Inspected(details=details):
                wanted = self._wanted.pop(inquiry, None)
                if dialog is not None and wanted is not None:
                    dialog.hear_details(wanted, details)
            case Done() if isinstance(inquiry.job, Unload):
                self._unloaded(inquiry)

    def _unloaded(self, inquiry: Inquiry) -> None:
        assert isinstance(inquiry.job, Unload)
        reference = f"{inquiry.host}:{inquiry.job.reference}" if inquiry.host else inquiry.job.reference
        freed = self.loaded_models.get(reference, 0)
        self.notify(
            f"{reference} is unloaded, and {in_words(freed)} are given back. Running it again loads it again.",
            title="Unloaded",
            markup=False,
        )
        self.ask_residents(inquiry.host)

    def on_inquiry_failed(self, message: messages.InquiryFailed) -> None:
        """Say so where it was asked for; of models in memory nothing is known then."""
        inquiry, screen = message.inquiry, self.screen
        wanted = self._wanted.pop(inquiry, None)
        if isinstance(screen, ModelDialog) and isinstance(inquiry.job, Models | Inspect):
            screen.hear_fault(wanted or inquiry.host, message.fail)
        elif isinstance(screen, ModelDialog) and isinstance(inquiry.job, Paths):
            screen.hear_fault(PathsWanted(inquiry.host, inquiry.job.typed), message.fail)
        elif isinstance(inquiry.job, Unload):
            self.show_fault(message.fail)
