"""Commands keep their runs; one that cannot be kept is a line on standard error, and no fault of the command."""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from faa_core.errors import StoreError
from faa_core.store import Store
from faa_core.worker.protocol import RunOptions
from faa_tui import paths
from faa_tui.history import kept, parameters_of
from faa_tui.rendering.text import visible


def keep(save: Callable[[Store], object]) -> None:
    """Have ``save`` write to the file of this user's runs."""
    store = kept(paths.runs(), save, _tell)
    if store is not None:
        store.close()


def parameters(run_options: RunOptions, options: Namespace, *names: str) -> dict[str, Any]:
    """How runs were asked for: device, number format and the like, and the options of these ``names``."""
    return parameters_of(run_options) | {name: getattr(options, name) for name in names}


def _tell(error: StoreError) -> None:
    print(f"faa: {visible(str(error))}", file=sys.stderr)
