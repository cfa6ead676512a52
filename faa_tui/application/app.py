"""The application as a whole: its life in the terminal, and what works on every screen."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import ActiveBinding, BindingType
from textual.screen import Screen

from faa_core.worker.protocol import RunOptions
from faa_tui import help, supervisor
from faa_tui.actions import Action, bindings
from faa_tui.application.last import LastApp
from faa_tui.colour import Display
from faa_tui.commands import Commands
from faa_tui.live_keys import key_of
from faa_tui.rendering import plot
from faa_tui.tidying import Tidying

TICK_SECONDS = 0.5
TERMINAL_SECONDS = 2.0
"""How often it is checked that the terminal and the supervisor are still there."""
QUIT_SECONDS = 0.2
"""A worker that has not left by then is ended."""
KEEP_SECONDS = 2.0
"""How long the runs that are being kept may take after that."""
TWICE_SECONDS = 2.0
"""Within this time a second ctrl+c quits."""


class FaaApp(LastApp, inherit_bindings=False):
    """The application, as a terminal and a person meet it.

    Args:
        reference: Model to open at once.
        text: Text to analyse; ``None`` for the default sample.
        options: How to run.
        command: Command line of the worker.
        others: Models to compare it with at once.
        display: What the terminal can show; ``None`` where Textual is to find out.
    """

    TITLE = "faa"
    CSS_PATH = "../faa.tcss"
    BINDINGS: ClassVar[list[BindingType]] = bindings("app")
    COMMANDS: ClassVar = {Commands}

    def __init__(
        self,
        reference: str = "demo",
        text: str | None = None,
        options: RunOptions | None = None,
        command: Sequence[str] | None = None,
        others: Sequence[str] = (),
        display: Display | None = None,
    ) -> None:
        super().__init__(reference, text, options, command, others)
        if display is not None:
            self.show_on(display)
        self._tidying = Tidying()
        self._interrupted = -TWICE_SECONDS
        self._supervisor = os.getppid()

    # --- life ----------------------------------------------------------------------------------------------------

    def run_to_exit_code(self) -> int:
        """Run in this terminal; returns the exit code once the terminal is restored and the worker is gone."""
        self.run(mouse=self.takes_mouse)
        self.send_away(QUIT_SECONDS)
        self.history.close(KEEP_SECONDS)
        self.remember()  # by now the last run has its number in the file
        return self.return_code or 0

    def get_default_screen(self) -> Screen[None]:
        """The main screen."""
        return self.main

    def on_mount(self) -> None:
        """Draw first, then start the worker."""
        if not self.is_headless:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGHUP):
                loop.add_signal_handler(number, self._leave, 128 + number)
            # As the key does, which a terminal in raw mode does not turn into the signal. Not by the loop, which would
            # also hear of the Ctrl-C that is meant for a program in the foreground.
            signal.signal(signal.SIGINT, lambda *_: self._interrupt(loop))
            self.set_interval(TERMINAL_SECONDS, self._check_terminal)
        self.set_interval(TICK_SECONDS, self._tick)
        self.main.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._tidying.begin()
        self._list_models()
        self.list_runs()
        # Plotext is read from disk while the worker starts, and not when the first curve is to be drawn.
        threading.Thread(target=plot.warm_up, daemon=True).start()
        if self.others:
            self.action_compare()
        else:
            if not (self.restores and self.bring_back()):
                self.submit(self.order)
            self.welcome()

    def _tick(self) -> None:
        self.tell_status()
        if self.at_rest:
            self._tidying.tick()

    async def on_event(self, event: events.Event) -> None:
        """Note that somebody is there."""
        if isinstance(event, events.InputEvent):
            self._tidying.touched()
        await super().on_event(event)

    def _leave(self, code: int) -> None:
        self.keep_measured()
        # The worker is sent away while the screen is taken down, so that neither waits for the other.
        threading.Thread(target=self.send_away, args=(QUIT_SECONDS,), daemon=True).start()
        self.exit(return_code=code)

    def _interrupt(self, loop: asyncio.AbstractEventLoop) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(self.action_interrupt)

    def on_unmount(self) -> None:
        """However the application ends, the worker is told."""
        self._tidying.end()
        self.history.close(0.0)
        threading.Thread(target=self.send_away, args=(QUIT_SECONDS,), daemon=True).start()

    def _check_terminal(self) -> None:
        """Leave where nobody can be looking any more; Textual would go on reading a dead terminal."""
        if supervisor.terminal_gone():
            self.send_away(QUIT_SECONDS)
            self.history.close(KEEP_SECONDS)
            os._exit(supervisor.EXIT_NO_TERMINAL)
        if os.getppid() != self._supervisor:
            self._leave(128 + signal.SIGHUP)

    # --- actions -------------------------------------------------------------------------------------------------

    async def perform(self, action: Action) -> None:
        """Run an action of the registry, whatever screen is on top."""
        await self.run_action(action.action, self if action.scope == "app" else self.base_screen)

    def pane_bindings(self) -> list[ActiveBinding]:
        """What the focused pane can do: what has the keys, and what is around it, such as a table around its rows."""
        screen = self.base_screen
        nodes = () if screen.focused is None else screen.focused.ancestors_with_self
        inside = {node for node in nodes if node not in (screen, self)}
        return [active for active in screen.active_bindings.values() if active.node in inside]

    def action_statistic_list(self) -> None:
        """Ask which statistic colours the heads."""
        from faa_tui.screens.choose_statistic import ChooseStatistic

        self.push_screen(ChooseStatistic(self.base_screen.statistic), self.base_screen.choose_statistic)

    def action_help(self) -> None:
        """Show the keys that are live on the screen that is on top."""
        from faa_tui.screens.help import HelpScreen

        if not isinstance(self.screen, HelpScreen):
            pane = self.base_screen.pane_name if self.screen is self.base_screen else "In the focused field"
            self.push_screen(HelpScreen(help.key_sections(self, self.screen.active_bindings, pane)))

    def action_interrupt(self) -> None:
        """Cancel what is under way; twice quits."""
        now = time.monotonic()
        if now - self._interrupted < TWICE_SECONDS:
            self._leave(130)
            return
        self._interrupted = now
        if self.phase.under_way:
            self.action_cancel()
        self.notify(f"Press {key_of(self, 'interrupt')} again to quit.", markup=False, timeout=TWICE_SECONDS)

    async def action_quit(self) -> None:
        """Leave."""
        self._leave(0)
