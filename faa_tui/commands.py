"""The command palette: every action of the registry, every statistic, every model, and what the focused pane can do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from textual.command import DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.types import IgnoreReturnCallbackType

from faa_core.catalogue import BY_KEY, RUN_KEYS
from faa_tui import live_keys
from faa_tui.actions import ACTIONS
from faa_tui.rendering.text import visible

if TYPE_CHECKING:
    from faa_tui.application import FaaApp


@dataclass(frozen=True)
class Command:
    """One line of the palette."""

    title: str
    help: str
    call: IgnoreReturnCallbackType


class Commands(Provider):
    """Finds commands by their titles."""

    async def discover(self) -> Hits:
        """All commands, before anything is typed."""
        for command in self._commands():
            yield DiscoveryHit(Content(command.title), command.call, command.title, command.help)

    async def search(self, query: str) -> Hits:
        """Commands that match ``query``."""
        matcher = self.matcher(query)
        for command in self._commands():
            score = matcher.match(command.title)
            if score > 0:
                yield Hit(score, matcher.highlight(command.title), command.call, command.title, command.help)

    def _commands(self) -> Iterator[Command]:
        app: FaaApp = self.app  # type: ignore[assignment]
        seen: set[str] = set()
        for action in ACTIONS:
            here = action.scope in ("app", app.base_screen.SCOPE)
            if action.action in seen or action.id == "palette" or not here:
                continue
            seen.add(action.action)
            keys = "  ".join(live_keys.keys_of(app, action.id))
            yield Command(f"{action.group}: {action.tooltip}", keys, partial(app.perform, action))
        yield Command("Application: Take the tour: what is where, in a minute", "", app.action_tour)
        for node, binding, enabled, tooltip in app.pane_bindings():
            if enabled and binding.description:
                title = f"{app.base_screen.pane_name}: {tooltip or binding.description}"
                yield Command(title, app.get_key_display(binding), partial(app.run_action, binding.action, node))
        for entry in map(BY_KEY.__getitem__, RUN_KEYS):
            choose = partial(app.base_screen.choose_statistic, entry.key)
            yield Command(f"Colour heads by: {entry.title}", entry.definition, choose)
        for reference in app.known_models():
            yield Command(f"Open model: {visible(reference)}", "", partial(app.open_reference, reference))
