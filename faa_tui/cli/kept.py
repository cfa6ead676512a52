"""Commands keep their runs; one that cannot be kept is a line on standard error, and no fault of the command."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from typing import Any

from faa_core.errors import StoreError
from faa_core.origin import Origin
from faa_core.records import Analysis
from faa_core.reference import ModelReference
from faa_core.replication import Replication
from faa_core.store import Overview, Store
from faa_core.worker.protocol import RunOptions
from faa_core.worker.session import Session
from faa_tui import paths
from faa_tui.history import kept, parameters_of
from faa_tui.little_maps import every_head, fetched, telling_heads
from faa_tui.rendering.text import visible


def keep(save: Callable[[Store], object]) -> None:
    """Have ``save`` write to the file of this user's runs."""
    store = kept(paths.runs(), save, _tell)
    if store is not None:
        store.close()


def keep_texts(
    replication: Replication, analyses: Sequence[Analysis], maps: Sequence[Sequence[Overview]], origin: Origin
) -> None:
    """Keep one model over several texts, with the maps that there are of the run of each."""

    def save(store: Store) -> None:
        for part in store.parts(store.save_texts(replication, analyses, origin)):
            store.add_overviews(part.run, maps[part.place])

    keep(save)


def little_maps(
    worker: Session, model: ModelReference, analysis: Analysis, run: int | None = None
) -> tuple[Overview, ...]:
    """Maps of a run, by default the worker's last, to be kept: of all heads, or over a network of those that tell most.

    Raises:
        Cancelled: A Ctrl-C came.
    """
    return fetched(worker, every_head(analysis) if model.host is None else telling_heads(analysis), run)


def parameters(run_options: RunOptions, options: Namespace, *names: str) -> dict[str, Any]:
    """How runs were asked for: device, number format and the like, and the options of these ``names``."""
    return parameters_of(run_options) | {name: getattr(options, name) for name in names}


def _tell(error: StoreError) -> None:
    print(f"faa: {visible(str(error))}", file=sys.stderr)
