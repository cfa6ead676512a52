"""What the dialogs about models share: they ask for details, and hear what a worker answers."""

from __future__ import annotations

from textual.content import Content

from faa_core.inventory import Inventory, ModelDetails
from faa_core.worker.protocol import Fail, PathsReport
from faa_tui.messages import DetailsWanted, PathsWanted
from faa_tui.rendering.model_details import model_details
from faa_tui.rendering.text import visible
from faa_tui.screens.dialog import Dialog


class ModelDialog(Dialog[str]):
    """Answers with a reference to be opened, and is told by the application what it has asked for."""

    def hear_details(self, wanted: DetailsWanted, details: ModelDetails | None) -> None:
        """What a model is; ``None`` where nothing of it is on its machine."""

    def hear_models(self, host: str, inventory: Inventory) -> None:
        """The models of a machine."""

    def hear_places(self, wanted: PathsWanted, report: PathsReport | None) -> None:
        """What continues a path on another machine; ``None`` where nobody can tell."""

    def hear_fault(self, wanted: DetailsWanted | PathsWanted | str, fail: Fail) -> None:
        """What was wanted will not come: details, what continues a path, or the models of the machine of this name."""

    def hear_surroundings(self, hosts: tuple[str, ...], loaded: dict[str, int]) -> None:
        """The machines that are known, and the models in memory with their bytes."""


def in_place_of_details(wanted: DetailsWanted, details: ModelDetails | None, key: str) -> Content:
    """What is shown of a model; ``key`` asks the hub about it."""
    if details is not None:
        return model_details(details)
    return Content.assemble(
        f"{visible(wanted.reference)} is not on this machine.\n",
        (f"Opening it fetches it from the hub; {key} asks the hub what it is first.", "dim"),
    )


def fault(fail: Fail) -> Content:
    """A fault and its cure."""
    return Content.assemble((visible(fail.text), "$text-error"), f"\n{visible(fail.hint)}" if fail.hint else "")
