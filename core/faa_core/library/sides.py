"""What `faa_core.analyze` and `faa_core.compare` measure, wherever it is, and runs of two of them side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from faa_core import reference
from faa_core.comparison.alignment import Alignment, align
from faa_core.errors import GoneError, UsageError
from faa_core.library.remote import Machines
from faa_core.records import Analysis, LayerSketch, MapKind
from faa_core.worker.protocol import RunOptions


class Side(Protocol):
    """Something that has attention, open for as long as a call needs it.

    Attributes:
        machine: Name that its machine gives itself; "" for this one.
        of_one_text: Whether it is attention itself, of a text that is past.
    """

    machine: str
    of_one_text: bool

    def measure(self, text: str) -> Analysis:
        """Measure all layers and heads on a text, which plays no part where it is attention itself.

        Raises:
            FaaError: The text is empty or too long, no layer gave attention, or it does not fit.
        """

    def sketch(self, kind: MapKind, place: int, queries: Alignment, keys: Alignment) -> tuple[LayerSketch, ...]:
        """The heads of the last run in short, over the segments that two sides share.

        Args:
            kind: Kind of the maps.
            place: Which of the aligned sides this is.
            queries: Segments of the rows.
            keys: Segments of the columns.

        Raises:
            GoneError: The rows are gone.
            UsageError: They never fitted in memory.
        """

    def forget(self) -> None:
        """Let go of the maps of the last run."""


@contextmanager
def opened(
    models: Sequence[Any], tokens: tuple[str, ...], device: str, dtype: str, truncate: bool
) -> Iterator[list[Side]]:
    """The models, open; what was loaded or started for them is given back.

    Args:
        models: As in `faa_core.library.analyze`.
        tokens: What the keys of given attention stand for; none where that is not known.
        device: As there.
        dtype: As there.
        truncate: As there.

    Raises:
        FaaError: One is no model, or cannot be loaded or reached.
    """
    with ExitStack() as stack:
        machines = stack.enter_context(Machines())
        sides: list[Side] = []
        for model in models:
            if isinstance(model, str):
                if tokens:
                    raise UsageError("A model reads one text, not a list.", "Call analyze for each text.")
                model = reference.parse(model)
                if model.host is not None:
                    sides.append(machines.model(model, RunOptions(device, dtype, truncate)))
                    continue
            # Here, because a call that runs elsewhere needs no torch.
            from faa_core.library.local import LocalModel
            from faa_core.library.sources import source_of

            source = stack.enter_context(source_of(model, tokens, device, dtype))
            sides.append(LocalModel(source, truncate))
        yield sides


def side_by_side(sides: Sequence[Side], text: str) -> tuple[list[Analysis], list[tuple[LayerSketch, ...]]]:
    """Two sides on one text: the run of each, and its heads in short over the segments that both share.

    Raises:
        FaaError: As `Side.measure`; or their tokens cannot be aligned.
    """
    runs = [side.measure(text) for side in sides]
    sketches: list[tuple[LayerSketch, ...]] = [() for _ in sides]
    kinds = [{layer.info.kind for layer in run.layers} for run in runs]
    for kind in sorted(set.intersection(*kinds)):
        queries = align([run.queries_of(kind) for run in runs], text)
        keys = align([run.keys_of(kind) for run in runs], text)
        try:
            each = [side.sketch(kind, place, queries, keys) for place, side in enumerate(sides)]
        except (GoneError, UsageError):
            continue  # rows that did not fit in memory: the statistics are there all the same
        sketches = [before + more for before, more in zip(sketches, each, strict=True)]
    for side in sides:
        side.forget()
    return runs, sketches
