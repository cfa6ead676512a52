"""Maps that are there already, in a file or in the caller's memory, as a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from faa_core.capture.calls import RowBudget
from faa_core.capture.strips import RowSource, StripSink, strip_rows
from faa_core.errors import UsageError
from faa_core.geometry.support import Support
from faa_core.models.devices import for_sums
from faa_core.models.footprint import Footprint
from faa_core.models.loading import versions
from faa_core.models.tokens import Encoded
from faa_core.records import LayerInfo, MapKind, ModelInfo, Pattern, Tokens


class WholeLayer(RowSource, Protocol):
    """The maps of one layer. Rows are copies, which a sink may overwrite."""

    @property
    def layer(self) -> int:
        """Its index."""

    @property
    def dtype(self) -> str:
        """Name of the number format that it came in."""

    @property
    def shape(self) -> tuple[int, int, int]:
        """Heads, queries, keys."""


class WholeMaps:
    """Maps as a source: the same whatever the text.

    A map is taken for causal where it is square and exactly 0 above the diagonal, otherwise for bidirectional; more
    cannot be known from numbers alone. Values are not judged here.

    Args:
        layers: At least one; their maps have one size.
        pieces: What each key stands for; its number by default.
        reference: What the results call it.
        revision: What tells it from others of that name.
        device: Where strips are handed over.
        nbytes: Memory that it holds, in bytes; 0 where the maps are the caller's, or mapped from the disk.
    """

    def __init__(
        self,
        layers: Sequence[WholeLayer],
        pieces: Sequence[str] | None,
        reference: str,
        revision: str,
        device: torch.device,
        nbytes: int = 0,
    ) -> None:
        _, self._queries, self._keys = layers[0].shape
        self._pieces = _numbers(self._keys) if pieces is None else tuple(pieces)
        self._layers = list(layers)
        self._device = device
        self.nbytes = nbytes
        causal = [_is_causal(layer) for layer in layers]
        kind: MapKind = "decoder" if all(causal) else "encoder" if self._queries == self._keys else "cross"
        otherwise: Pattern = "cross" if kind == "cross" else "bidirectional"
        self.info = ModelInfo(
            reference=reference,
            architecture="array",
            revision=revision,
            device=str(device),
            dtype=", ".join(dict.fromkeys(layer.dtype for layer in layers)),
            attention="file",
            route="file",
            parameters=0,
            context=None,
            tokenizer_hash="",
            layers=tuple(
                LayerInfo(kind, layer.layer, layer.shape[0], "causal" if is_causal else otherwise)
                for layer, is_causal in zip(layers, causal, strict=True)
            ),
            versions=versions(),
        )

    def encode(self, text: str, truncate: bool) -> Encoded:
        """What the keys stand for. The text plays no part."""
        tokens = _tokens(self._pieces)
        return Encoded(tokens) if self._queries == self._keys else Encoded(tokens, _tokens(_numbers(self._queries)))

    def repeats(self, length: int, draws: int, seed: int) -> list[Encoded]:
        """There is no model that could read other tokens.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            f"{self.info.reference} is attention without a model; the random-repeat probe needs one.",
            "Leave the probe out.",
        )

    def capture(self, encoded: Encoded, sink: StripSink, budget: RowBudget | None = None) -> tuple[str, ...]:
        """Hand every layer to ``sink``, strip by strip. Rows are read again from the maps, outside of any budget."""
        for info, layer in zip(self.info.layers, self._layers, strict=True):
            causal = info.pattern == "causal"
            sink.begin(info, Support.causal(self._queries) if causal else Support.full(self._queries, self._keys))
            step = strip_rows(info.heads, self._keys)
            for start in range(0, self._queries, step):
                rows = layer.rows(start, min(start + step, self._queries))
                sink.strip(start, for_sums(rows.to(self._device)))
            sink.end(layer)
        return ()

    def footprint(self, encoded: Encoded) -> Footprint:
        """Nothing beside the maps but one strip, which is small."""
        return Footprint(0)

    def shrink(self, encoded: Encoded) -> bool:
        """Strips of maps do not shrink."""
        return False

    def close(self) -> None:
        """Let go of the maps."""
        self._layers = []


def _is_causal(layer: WholeLayer) -> bool:
    heads, queries, keys = layer.shape
    if queries != keys:
        return False
    step = strip_rows(heads, keys)
    return not any(
        bool((layer.rows(start, min(start + step, queries)).triu(start + 1) != 0).any())
        for start in range(0, queries, step)
    )


def _numbers(length: int) -> tuple[str, ...]:
    return tuple(map(str, range(length)))


def _tokens(pieces: tuple[str, ...]) -> Tokens:
    return Tokens((), pieces, ((0, 0),) * len(pieces), (False,) * len(pieces))
