"""Attention that the caller has already, from any library: known by what it can do, not by its class."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from faa_core.capture.calls import RowBudget
from faa_core.capture.strips import StripSink, strip_rows
from faa_core.errors import UsageError
from faa_core.geometry.support import Support
from faa_core.models.footprint import Footprint
from faa_core.models.loading import versions
from faa_core.models.tokens import Encoded
from faa_core.records import LayerInfo, MapKind, ModelInfo, Pattern, Tokens

_PATTERN = re.compile(r"blocks\.(\d+)\.attn\.hook_pattern")
"""Where TransformerLens keeps the attention of a layer."""
_NUMBER = re.compile(r"\d+")
_SHAPES = "Wanted are [n, m], [heads, n, m] or [layers, heads, n, m], or one array of [heads, n, m] for each layer."


@dataclass(frozen=True)
class GivenLayer:
    """The maps of one layer.

    Attributes:
        layer: Its index.
        weights: [heads, queries, keys], of the number format and on the device that it came in.
    """

    layer: int
    weights: torch.Tensor

    @property
    def nbytes(self) -> int:
        """0, because the memory is the caller's."""
        return 0

    def rows(self, start: int, stop: int) -> torch.Tensor:
        """float32 [heads, stop - start, keys]: a copy, which a sink may overwrite."""
        return self.weights[:, start:stop].to(torch.float32, copy=True)


def layers_of(given: Any) -> list[GivenLayer] | None:
    """The layers inside whatever holds attention; ``None`` where nothing in it does.

    Raises:
        UsageError: It holds arrays that are no attention.
    """
    given = _value(given)
    if _is_array(given):
        return _of_array(given)
    output = getattr(given, "attentions", None)
    if output is not None:
        return _of_pairs(enumerate(output))
    if hasattr(given, "keys") and hasattr(given, "__getitem__"):
        return _of_mapping(given)
    if isinstance(given, list | tuple) and given and all(part is None or _is_array(_value(part)) for part in given):
        return _of_pairs(enumerate(given))
    return None


class GivenMaps:
    """Maps in memory as a source: the same whatever the text.

    A map is taken for causal where it is square and exactly 0 above the diagonal, otherwise for bidirectional.

    Args:
        layers: At least one.
        pieces: What each key stands for; its number by default.
        device: Where sums are taken; by default where the maps are.

    Raises:
        UsageError: The maps differ in size, or there are not as many pieces as keys.
    """

    def __init__(self, layers: list[GivenLayer], pieces: tuple[str, ...] | None, device: torch.device | None) -> None:
        first = layers[0].weights
        for layer in layers:
            if layer.weights.shape[1:] != first.shape[1:]:
                raise UsageError(
                    f"Layer {layer.layer} has maps {list(layer.weights.shape[1:])}, and layer {layers[0].layer} "
                    f"{list(first.shape[1:])}.",
                    "All layers belong to one text, so their maps have one size.",
                )
        self._queries, self._keys = int(first.shape[1]), int(first.shape[2])
        if pieces is not None and len(pieces) != self._keys:
            raise UsageError(f"There are {len(pieces)} tokens, and maps with {self._keys} keys.", "Give one for each.")
        self._pieces = pieces or tuple(map(str, range(self._keys)))
        self._layers = layers
        self._device = device or first.device
        causal = [_is_causal(layer) for layer in layers]
        kind: MapKind = "decoder" if all(causal) else "encoder" if self._queries == self._keys else "cross"

        def pattern(is_causal: bool) -> Pattern:
            return "causal" if is_causal else "cross" if kind == "cross" else "bidirectional"

        dtypes = dict.fromkeys(str(layer.weights.dtype).removeprefix("torch.") for layer in layers)
        self.info = ModelInfo(
            reference="arrays",
            architecture="array",
            revision=_digest(layers),
            device=str(self._device),
            dtype=", ".join(dtypes),
            attention="file",
            route="file",
            parameters=0,
            context=None,
            tokenizer_hash="",
            layers=tuple(
                LayerInfo(kind, layer.layer, len(layer.weights), pattern(is_causal))
                for layer, is_causal in zip(layers, causal, strict=True)
            ),
            versions=versions(),
        )

    @property
    def nbytes(self) -> int:
        """0, because the memory is the caller's."""
        return 0

    def encode(self, text: str, truncate: bool) -> Encoded:
        """The tokens that were given, or the numbers of the keys. The text plays no part."""
        if self._queries == self._keys:
            return Encoded(_tokens(self._pieces))
        return Encoded(_tokens(self._pieces), _tokens(tuple(map(str, range(self._queries)))))

    def repeats(self, length: int, draws: int, seed: int) -> list[Encoded]:
        """There is no model that could read other tokens.

        Raises:
            UsageError: Always.
        """
        raise UsageError("Attention alone cannot read other tokens.", "Leave the probe out.")

    def capture(self, encoded: Encoded, sink: StripSink, budget: RowBudget | None = None) -> tuple[str, ...]:
        """Hand every layer to ``sink``, strip by strip."""
        for info, layer in zip(self.info.layers, self._layers, strict=True):
            causal = info.pattern == "causal"
            sink.begin(info, Support.causal(self._queries) if causal else Support.full(self._queries, self._keys))
            step = strip_rows(info.heads, self._keys)
            for start in range(0, self._queries, step):
                sink.strip(start, layer.rows(start, min(start + step, self._queries)).to(self._device))
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


def _value(given: Any) -> Any:
    """What a proxy of nnsight stands for; everything else as it is."""
    while not _is_array(given) and not hasattr(given, "keys") and hasattr(given, "value"):
        given = given.value
    return given


def _is_array(given: Any) -> bool:
    return hasattr(given, "__array__") or hasattr(given, "detach")


def _of_mapping(given: Any) -> list[GivenLayer] | None:
    names = list(given.keys())
    patterns = {name: match for name in names if isinstance(name, str) and (match := _PATTERN.fullmatch(name))}
    if patterns:
        return _of_pairs((int(match[1]), given[name]) for name, match in patterns.items())
    if names and all(isinstance(name, int) for name in names):
        return _of_pairs((name, given[name]) for name in names)
    numbers = [_NUMBER.findall(name) if isinstance(name, str) else [] for name in names]
    if names and all(len(found) == 1 for found in numbers):
        return _of_pairs((int(found[0]), given[name]) for found, name in zip(numbers, names, strict=True))
    return None


def _of_pairs(pairs: Iterable[tuple[int, Any]]) -> list[GivenLayer]:
    """Layers from (index, array); an index without an array is a layer without maps, and left out."""
    found = [
        GivenLayer(layer, _heads(_tensor(part), f"layer {layer}"))
        for layer, part in sorted(((layer, _value(part)) for layer, part in pairs), key=lambda pair: pair[0])
        if part is not None
    ]
    if not found:
        raise UsageError("There is no attention in what was given: every layer is None.", "Ask the model for it.")
    if len({layer.layer for layer in found}) < len(found):
        raise UsageError("Two arrays have the number of the same layer.", "Give one for each layer.")
    return found


def _of_array(given: Any) -> list[GivenLayer]:
    tensor = _tensor(given)
    if tensor.dim() == 5 and 1 in tensor.shape[:2]:
        # [layers, 1, heads, n, m] as stacked attentions are, or [1, layers, heads, n, m].
        tensor = tensor[:, 0] if tensor.shape[1] == 1 else tensor[0]
    if tensor.dim() == 4:
        return [GivenLayer(layer, _heads(part, "the array")) for layer, part in enumerate(tensor)]
    return [GivenLayer(0, _heads(tensor[None] if tensor.dim() == 2 else tensor, "the array"))]


def _heads(tensor: torch.Tensor, name: str) -> torch.Tensor:
    """[heads, n, m] from that, with a batch of one before it.

    Raises:
        UsageError: It is something else.
    """
    heads = tensor[0] if tensor.dim() == 4 and len(tensor) == 1 else tensor
    if heads.dim() != 3 or 0 in heads.shape:
        several = tensor.dim() == 4 and len(tensor) > 1
        raise UsageError(
            f"The attention of {name} has the shape {list(tensor.shape)}" + (", several texts." if several else "."),
            "Give one text. " + _SHAPES if several else _SHAPES,
        )
    return heads


def _tensor(given: Any) -> torch.Tensor:
    """A tensor of floating-point numbers.

    Raises:
        UsageError: It holds other numbers, or none.
    """
    if hasattr(given, "detach"):
        given = given.detach()
    if not isinstance(given, torch.Tensor):
        for step in ("cpu", "numpy"):
            given = getattr(given, step)() if hasattr(given, step) else given
        array = np.array(given)
        if array.dtype.name == "bfloat16":
            array = array.astype(np.float32)  # torch takes none from NumPy
        if array.dtype.kind != "f":
            raise UsageError(f"An array of {array.dtype} is no attention.", _SHAPES)
        given = torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))
    if not given.is_floating_point():
        raise UsageError(f"A tensor of {given.dtype} is no attention.", _SHAPES)
    tensor: torch.Tensor = given
    return tensor


def _is_causal(layer: GivenLayer) -> bool:
    heads, queries, keys = layer.weights.shape
    if queries != keys:
        return False
    step = strip_rows(heads, keys)
    return not any(
        bool((layer.rows(start, min(start + step, queries)).triu(start + 1) != 0).any())
        for start in range(0, queries, step)
    )


def _digest(layers: list[GivenLayer]) -> str:
    sha = hashlib.sha256()
    for layer in layers:
        sha.update(f"{layer.layer} {tuple(layer.weights.shape)}".encode())
        for head in layer.weights:
            sha.update(np.ascontiguousarray(head.float().cpu().numpy()).tobytes())
    return f"sha256:{sha.hexdigest()[:16]}"


def _tokens(pieces: tuple[str, ...]) -> Tokens:
    return Tokens((), pieces, ((0, 0),) * len(pieces), (False,) * len(pieces))
