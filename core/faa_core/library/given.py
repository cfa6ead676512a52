"""Attention that the caller has already, from any library: known by what it can do, not by its class."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from faa_core.capture.whole import WholeMaps
from faa_core.errors import UsageError

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
    def dtype(self) -> str:
        """Name of that number format."""
        return str(self.weights.dtype).removeprefix("torch.")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Heads, queries, keys."""
        heads, queries, keys = self.weights.shape
        return heads, queries, keys

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


def maps_of(layers: list[GivenLayer], pieces: tuple[str, ...] | None, device: torch.device | None) -> WholeMaps:
    """Maps in memory as a source.

    Args:
        layers: At least one.
        pieces: What each key stands for; its number by default.
        device: Where sums are taken; by default where the maps are.

    Raises:
        UsageError: The maps differ in size, or there are not as many pieces as keys.
    """
    first = layers[0]
    for layer in layers:
        if layer.shape[1:] != first.shape[1:]:
            raise UsageError(
                f"Layer {layer.layer} has maps {list(layer.shape[1:])}, and layer {first.layer} "
                f"{list(first.shape[1:])}.",
                "All layers belong to one text, so their maps have one size.",
            )
    keys = first.shape[2]
    if pieces is not None and len(pieces) != keys:
        raise UsageError(f"There are {len(pieces)} tokens, and maps with {keys} keys.", "Give one for each.")
    return WholeMaps(layers, pieces, "arrays", _digest(layers), device or first.weights.device)


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


def _digest(layers: list[GivenLayer]) -> str:
    sha = hashlib.sha256()
    for layer in layers:
        sha.update(f"{layer.layer} {tuple(layer.weights.shape)}".encode())
        for head in layer.weights:
            sha.update(np.ascontiguousarray(head.float().cpu().numpy()).tobytes())
    return f"sha256:{sha.hexdigest()[:16]}"
