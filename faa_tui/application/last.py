"""What the application remembers of itself: what was on the screen, brought back by a start without arguments."""

from __future__ import annotations

import threading

from textual import work

from faa_core.errors import FaaError
from faa_tui import last_state
from faa_tui.application.kept import KeptApp
from faa_tui.kept_runs import KeptComparison
from faa_tui.last_state import LastState
from faa_tui.live_keys import with_keys
from faa_tui.screens.main_look import Look
from faa_tui.session import Phase, Position

_SECONDS = 1.0
"""What has not changed for so long is remembered."""
_PATIENCE = 0.1
"""How long the end waits for the file; what a slow disk has not taken by then may be lost."""


class LastApp(KeptApp, inherit_bindings=False):
    """Begins where one left it, if it is told to."""

    restores = False
    """Whether what was on the screen last comes back."""
    _saved: LastState | None = None
    _state_before: LastState | None = None
    _saving: threading.Thread | None = None

    # --- brought back --------------------------------------------------------------------------------------------

    def bring_back(self) -> bool:
        """Show what was on the screen last, without its model where its run is kept; whether anything was.

        A text whose run was not kept is shown as it is, and run when it is asked for: it may be what ended faa.
        """
        state, remark = last_state.load()
        if remark:
            self.notify(remark, title="Last state", severity="warning", markup=False, timeout=10)
        if state is None:
            return False
        self.main.look_again(
            Look(Position(state.kind, state.layer, state.head), state.statistic, state.scale, state.page, state.pane)
        )
        if state.text is not None:
            self._text = state.text
        self.order = self._order(state.reference, self._text, self.order.options)
        self._list_models()
        if state.text is not None:
            self.take(self.order, Phase.LEFT)
            self.main.show_text_left(self._text)
            said = with_keys(self, "The text was not measured when faa was left. {run} runs it.")
            self.notify(said, title="Last state", markup=False, timeout=10)
            self.tell_status()
            return True
        self._bring_back(state)
        return True

    @work(group="kept run", exclusive=True)
    async def _bring_back(self, state: LastState) -> None:
        """Show the kept run; where there is none any more, the model is run."""
        if state.run is not None:
            try:
                kept = await self.history.open(state.run)
            except FaaError as error:
                await self._refuse(state.run, error)
            else:
                # In a file that was begun anew the number may be that of another run.
                if not isinstance(kept, KeptComparison) and kept.entry.models == (state.reference,):
                    self.show_kept(kept)
                    return
        self.submit(self.order)

    # --- remembered ----------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Remember what stays as it is for a moment."""
        self.set_interval(_SECONDS, self._remember_at_rest)

    def on_unmount(self) -> None:
        """Remember the end."""
        self.remember()

    def remember(self) -> None:
        """Write down what is on the screen, if it is not written yet; waits no longer than a moment for the file."""
        state = self._state
        if state is not None and state != self._saved:
            if self._saving is not None:
                self._saving.join(_PATIENCE)
            self._save_state(state)
        if self._saving is not None:
            self._saving.join(_PATIENCE)

    def _remember_at_rest(self) -> None:
        state, before = self._state, self._state_before
        self._state_before = state
        if state is not None and state == before and state != self._saved:
            self._save_state(state)

    def _save_state(self, state: LastState) -> None:
        """Write it on a thread: a disk may be slow, and nobody waits for it."""
        if self._saving is None or not self._saving.is_alive():
            self._saved = state
            self._saving = threading.Thread(target=last_state.save, args=(state,), daemon=True)
            self._saving.start()

    @property
    def _state(self) -> LastState | None:
        """What was asked for last, and how it is looked at; ``None`` before anything was."""
        if self.run_number == 0:
            return None
        look, run = self.main.look, self.history.number_of(self.run_number)
        return LastState(
            reference=self.order.reference,
            run=run,
            text=(self.order.text or None) if run is None else None,
            **look.position._asdict(),
            statistic=look.statistic,
            scale=look.scale,
            page=look.page,
            pane=look.pane,
        )
