"""The way into the application: refuse where there is no terminal, else supervise it."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence

from faa_core.errors import UsageError
from faa_core.worker.protocol import RunOptions
from faa_tui import supervisor
from faa_tui.colour import Display, cursor_moves, own_display


def run(
    reference: str,
    text: str | None,
    options: RunOptions,
    command: Sequence[str] | None = None,
    others: Sequence[str] = (),
    display: Display | None = None,
    mouse: bool = True,
    newcomer: bool = False,
    restore: bool = False,
) -> int:
    """Open the application on a model and analyse a text at once.

    Args:
        reference: ``[host:]model[@revision]``.
        text: The text; ``None`` for the default sample.
        options: Device, number format, truncation.
        command: Command line of the worker, where it is not the usual one.
        others: Models to compare it with at once.
        display: What the terminal can show; ``None`` to go by the environment.
        mouse: Whether to take the mouse.
        newcomer: Whether the tour may come up, where it was never left.
        restore: Whether what was on the screen last comes back; where nothing was, ``reference`` opens.

    Returns:
        Exit code: that of the application, or 128 + n where it was ended by signal n.

    Raises:
        UsageError: Standard input or standard error is no terminal, or one that cannot move its cursor.
    """
    if not (sys.__stdin__ and sys.__stdin__.isatty() and sys.__stderr__ and sys.__stderr__.isatty()):
        raise UsageError(
            "The application needs a terminal, and this is none.",
            f"Use 'faa analyze {reference}' for a table or JSON, or 'faa show {reference}' for one map.",
        )
    if not cursor_moves(os.environ):
        name = os.environ["TERM"]
        raise UsageError(
            f"TERM={name} says that this terminal cannot move its cursor, and the application must.",
            f"Use 'faa analyze {reference}' for a table or JSON, or 'faa show {reference}' for one map. A terminal "
            "that can do more has another name: TERM=xterm-256color faa.",
        )

    shown = display or own_display()

    def main() -> int:
        # The collector would look through half a million new objects, all of which stay, before the first paint; the
        # application turns it on again afterwards.
        gc.disable()
        # Imported in the child: the parent stays small, and lives as long as the application.
        from faa_tui.application import FaaApp

        application = FaaApp(reference, text, options, command, others, shown)
        application.takes_mouse, application.newcomer = mouse, newcomer
        application.restores = restore
        return application.run_to_exit_code()

    return supervisor.supervise(main)
