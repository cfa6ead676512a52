"""The map of one head, to the last bit of the model's own number format."""

from __future__ import annotations

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.capture.opening import Source
from faa_core.capture.strips import RowSource
from faa_core.errors import NoAttentionError, UsageError
from faa_core.geometry.support import Support
from faa_core.models.tokens import Encoded
from faa_core.records import LayerInfo, ModelInfo, Tokens


class HeadMap(msgspec.Struct, frozen=True, eq=False):
    """One head on one text.

    Attributes:
        info: Its layer.
        head: Its index, from 0.
        weights: float32 [queries, keys], rounded as the model rounds what it multiplies with.
        support: Which keys each row may see.
        queries: Tokens of the rows.
        keys: Tokens of the columns.
    """

    info: LayerInfo
    head: int
    weights: NDArray[np.float32]
    support: Support
    queries: Tokens
    keys: Tokens


class _HeadSink:
    """Strip sink that keeps one head of one layer.

    Args:
        wanted: The layer.
        head: The head.
        dtype: Number format of the model.
    """

    def __init__(self, wanted: LayerInfo, head: int, dtype: torch.dtype) -> None:
        self._wanted = wanted
        self._head = head
        self._dtype = dtype
        self._here = False
        self.strips: list[torch.Tensor] = []
        self.support: Support | None = None

    def begin(self, info: LayerInfo, support: Support) -> None:
        self._here = (info.kind, info.layer) == (self._wanted.kind, self._wanted.layer)
        if self._here:
            self.strips, self.support = [], support

    def strip(self, row: int, weights: torch.Tensor) -> None:
        if self._here:
            self.strips.append(weights[self._head].to(self._dtype).float().cpu().clone())

    def end(self, rows: RowSource | None) -> None: ...


def head_map(source: Source, encoded: Encoded, layer: int, head: int) -> HeadMap:
    """Run one forward pass, and keep the map of one head.

    Args:
        source: An open model, or a file of attention.
        encoded: The text.
        layer: Index of a layer of `self_attention_of`; a negative one counts those with a map from the last.
        head: Index of a head; a negative one counts from the last.

    Raises:
        UsageError: There is no such layer or head.
        NoAttentionError: The model has no self-attention, or that layer has no map.
        OutOfMemoryError: The text is too long for the memory.
    """
    info, place = address_of(source.info, layer, head)
    dtypes = {name: getattr(torch, name) for name in ("float16", "bfloat16", "float64")}
    sink = _HeadSink(info, place, dtypes.get(source.info.dtype, torch.float32))
    source.capture(encoded, sink)
    if sink.support is None or not sink.strips:
        raise NoAttentionError(f"Layer {info.name} of {source.info.reference} gave no attention on this text.")
    decoder = encoded.tokens if encoded.decoder_tokens is None else encoded.decoder_tokens
    queries = encoded.tokens if info.kind == "encoder" else decoder
    keys = decoder if info.kind == "decoder" else encoded.tokens
    return HeadMap(info, place, np.asarray(torch.cat(sink.strips).numpy()), sink.support, queries, keys)


def self_attention_of(model: ModelInfo) -> tuple[LayerInfo, ...]:
    """The layers that an index of 1.0.0 counts: self-attention, of the decoder where there are two stacks.

    A file of maps that are not square has cross-attention only, and then those count.
    """
    own = [info for info in model.layers if info.kind != "cross"] or list(model.layers)
    return tuple(info for info in own if info.kind == own[-1].kind)


def address_of(model: ModelInfo, layer: int, head: int) -> tuple[LayerInfo, int]:
    """The layer and the head that two indices mean; see `head_map`.

    Raises:
        UsageError: There is no such layer or head.
        NoAttentionError: The model has no self-attention, or that layer has no map.
    """
    layers = self_attention_of(model)
    mapped = [info for info in layers if info.heads]
    if not mapped:
        raise NoAttentionError(f"{model.reference} has no attention to look at.", "Choose a model that attends.")
    if layer < 0:
        found = mapped[layer] if -len(mapped) <= layer else None
    else:
        found = next((info for info in layers if info.layer == layer), None)
    if found is None:
        raise UsageError(
            f"{model.reference} has no layer {layer}.",
            f"Layers go from 0 to {layers[-1].layer}, or from -{len(mapped)} to -1.",
        )
    if not found.heads:
        raise NoAttentionError(
            f"Layer {found.layer} of {model.reference} has no attention map: {found.note or 'it attends otherwise'}.",
            f"Layers with maps: {', '.join(str(info.layer) for info in mapped)}.",
        )
    if not -found.heads <= head < found.heads:
        raise UsageError(
            f"Layer {found.layer} of {model.reference} has no head {head}.",
            f"Heads go from 0 to {found.heads - 1}, or from -{found.heads} to -1.",
        )
    return found, head % found.heads
