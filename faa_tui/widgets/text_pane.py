"""The pane of the text: it says whose attention colours it, and has a line in which one looks for text."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input

from faa_tui.rendering.text import fit, visible
from faa_tui.rendering.token_lines import label_of
from faa_tui.widgets.pane import Pane
from faa_tui.widgets.token_strip import TokenStrip


class TextPane(Pane):
    """Holds the tokens, and writes into its borders what their colours are.

    Args:
        strip: The tokens.
        id: Id of the widget.
    """

    DEFAULT_CSS = """
    TextPane {
        & > Input { height: 1; border: none; padding: 0; background: $panel; }
        & > Input:focus { border: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash",
            "find",
            "Find",
            key_display="/",
            show=False,
            id="tokens.find",
            tooltip="Look for text in the tokens",
        ),
        Binding("escape", "leave", "Back", show=False, id="tokens.leave", tooltip="Stop looking for text"),
    ]

    def __init__(self, strip: TokenStrip, id: str | None = None) -> None:
        super().__init__("pane.text", "Text", id=id)
        self._strip = strip
        self._input = Input(placeholder="text to look for", select_on_focus=False)
        self._input.display = False
        self._start = 0
        self._name = ""

    def compose(self) -> ComposeResult:
        """Tokens, and the line that is open while one types."""
        yield self._strip
        yield self._input

    def tell(self, name: str = "") -> None:
        """Write what the colours are into the border, because the cursor or the direction is another one.

        Args:
            name: What the text is, where the model has two.
        """
        self._name = name
        tokens, at = self._strip.tokens, self._strip.cursor
        head = Content.assemble("Text", (f"  {name}" if name else "", "dim"))
        if tokens is not None and at < len(tokens):
            token = fit(label_of(tokens, at), 20)
            head = Content.assemble(head, f"  attention {self._strip.direction} ", (f"{token}", "bold"), f" ({at})")
        self.head(head)

    # --- looking for text ------------------------------------------------------------------------------------------

    def action_find(self) -> None:
        """Open the line."""
        self._start = self._strip.cursor
        self._input.display = True
        self._input.value = ""
        self.screen.set_focus(self._input)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look while one types."""
        event.stop()
        if self._input.display:
            self._strip.look_for(event.value, self._start)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Stay where it was found."""
        event.stop()
        self._close()

    def on_token_strip_found(self, event: TokenStrip.Found) -> None:
        """Say which of how many places it is."""
        event.stop()
        sought = visible(event.sought)
        if not event.sought:
            self.foot("")
        elif not event.places:
            self.foot(Content.styled(f"no {fit(sought, 30)}", "$text-warning"))
        else:
            self.foot(f"{fit(sought, 30)}  {event.place} of {event.places}")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Esc is for the line while it is open, and for the application else."""
        return action != "leave" or self._input.display

    def action_leave(self) -> None:
        """Go back to where one was."""
        self._strip.select(self._start)
        self._strip.look_for("", self._start)
        self._close()

    def _close(self) -> None:
        self._input.display = False
        self.screen.set_focus(self._strip)
