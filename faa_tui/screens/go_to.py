"""Where the number of a head is typed."""

from __future__ import annotations

from faa_core.records import LayerInfo
from faa_tui.head_address import find, parse_address
from faa_tui.screens.ask_line import AskLine
from faa_tui.session import Position


class GoTo(AskLine[Position]):
    """Answers with a head that the model has.

    Args:
        layers: Layers that have maps.
        model: What the model is called.
    """

    TITLE = "Go to a head"
    PLACEHOLDER = "LAYER.HEAD"
    FORMS = (
        ("2.3, L2H3", "layer 2, head 3, both from 0"),
        ("e1.0", "of the encoder, where the model has a decoder too"),
        ("x0.2", "of the attention from the decoder to the encoder"),
    )

    def __init__(self, layers: tuple[LayerInfo, ...], model: str) -> None:
        super().__init__()
        self._layers, self._model = layers, model

    def read(self, line: str) -> Position:
        """The head."""
        address = parse_address(line)
        info = find(address, self._layers, self._model)
        return Position(info.kind, info.layer, address.head)
