"""Keys one after another, each to what the one before it has brought into focus.

Textual hands a key to the widget that has the focus and takes the next one, while the first is still on its way up
through the parents of that widget to the binding that it belongs to. Of keys that come in one read, as over a slow
link, ``/`` would open a line to type in, and what was typed behind it would run as commands.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Final

from textual import events
from textual.dom import DOMNode

from faa_tui._compat import PacedApp

PATIENCE_SECONDS: Final = 0.25
"""A key that takes longer holds the others up no more."""


class KeysApp(PacedApp, inherit_bindings=False):
    """An application that hands out a key or a paste once the one before has done what it does."""

    def __init__(self) -> None:
        super().__init__()
        self._to_come: deque[events.Key | events.Paste] = deque()
        self._turn = 0
        self._under_way = False

    async def on_event(self, event: events.Event) -> None:
        """Keep keys back while one is under way."""
        if not isinstance(event, (events.Key, events.Paste)) or event.is_forwarded:
            await super().on_event(event)
        elif self._under_way:
            self._to_come.append(event)
        else:
            await self._hand_out(event)

    async def _hand_out(self, event: events.Key | events.Paste) -> None:
        self._under_way = True
        self._turn += 1
        screen = self.screen
        receiver = self.focused or screen
        await super().on_event(event)
        asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self.call_later, self._ended, self._turn)
        # Twice: a line that is submitted sends a message the same way, once the application has run its binding.
        self._go_behind(receiver, self._turn, [receiver])

    def _go_behind(self, node: DOMNode | None, turn: int, again: list[DOMNode]) -> None:
        """Go the way of a key, from the widget with the focus up to the application, always behind it."""
        if node is None and again:
            self._go_behind(again.pop(), turn, again)
        elif node is None:
            # Above the application there is nothing; what the key has asked the application to do is done first.
            self.call_later(self._let_screen_settle, turn)
        elif not node.call_later(self._go_behind, node.parent, turn, again):
            self.call_later(self._ended, turn)  # the key has closed it

    def _let_screen_settle(self, turn: int) -> None:
        """A dialog that the key has opened gives the focus to its line before it is drawn for the first time."""
        if self._to_come and self.screen.focused is None:
            self.screen.call_after_refresh(self.call_later, self._ended, turn)
        else:
            self.call_later(self._ended, turn)

    async def _ended(self, turn: int) -> None:
        if turn == self._turn and self._under_way:
            self._under_way = False
            if self._to_come:
                await self._hand_out(self._to_come.popleft())
