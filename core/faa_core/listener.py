"""What an engine tells while it works: the one face between it and the server, or whoever else runs it.

Needs no torch, so that a server can be ready before the engine is imported.
"""

from __future__ import annotations

from typing import Protocol

from faa_core.records import LayerResult, LayerSketch, ModelInfo, Tokens


class Listener(Protocol):
    """Where an engine reports to while it works on one job."""

    def progress(self, stage: str, text: str, done: int = 0, total: int = 0, unit: str = "") -> None:
        """Say what is going on; the arguments are the fields of `faa_core.worker.protocol.Progress`."""

    def loaded(self, model: ModelInfo) -> None:
        """The model is in memory."""

    def started(
        self, model: ModelInfo, tokens: Tokens, decoder_tokens: Tokens | None, truncated_from: int | None
    ) -> None:
        """The text is tokenised and the forward pass begins."""

    def layer(self, index: int, total: int, result: LayerResult) -> None:
        """A layer is measured, and its tiles can be asked for."""

    def sketched(self, index: int, total: int, sketch: LayerSketch) -> None:
        """The rows that were asked for are sketched in one layer more."""

    def check(self) -> None:
        """Called often, between strips: the moment to serve what waits.

        Raises:
            Cancelled: The job was cancelled.
        """
