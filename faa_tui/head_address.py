"""How heads are written: ``1.5`` or ``L1H5``, with ``e`` before it for an encoder and ``x`` for cross-attention."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from faa_core.errors import UsageError
from faa_core.records import LayerInfo, MapKind

_LETTERS: Final[Mapping[MapKind, str]] = {"decoder": "", "encoder": "e", "cross": "x"}
_KINDS: Final[Mapping[str, MapKind | None]] = {"": None, "e": "encoder", "x": "cross"}
_FORM: Final = re.compile(r"([ex]?)(?:(\d+)\.(\d+)|l(\d+)h(\d+))", re.IGNORECASE)


class Address(NamedTuple):
    """A head as it is typed; ``kind`` is ``None`` for the maps that the model has but one kind of."""

    kind: MapKind | None
    layer: int
    head: int


def parse_address(text: str) -> Address:
    """Address of ``L.H`` or ``LxHy``, with ``e`` (encoder) or ``x`` (cross-attention) before it.

    Raises:
        UsageError: The text has no such form.
    """
    match = _FORM.fullmatch(text)
    if match is None:
        raise UsageError(
            f"{text!r} does not name a map.",
            "Write LAYER.HEAD, for example 1.5; e1.5 for an encoder's map, x1.5 for cross-attention.",
        )
    layer, head = match[2] or match[4], match[3] or match[5]
    return Address(_KINDS[match[1].lower()], int(layer), int(head))


def numbered(kind: MapKind, layer: int, head: int) -> str:
    """For example ``2.3``."""
    return f"{_LETTERS[kind]}{layer}.{head}"


def named(kind: MapKind, layer: int, head: int) -> str:
    """For example ``L2H3``."""
    return f"{_LETTERS[kind]}L{layer}H{head}"


def find(wanted: Address, layers: Sequence[LayerInfo], model: str) -> LayerInfo:
    """The layer among ``layers`` that ``wanted`` names.

    Args:
        wanted: A head as it is typed.
        layers: Layers that have maps.
        model: What the model is called in messages.

    Raises:
        UsageError: The model has no such layer or head.
    """
    kinds = {info.kind: {other.layer: other for other in layers if other.kind == info.kind} for info in layers}
    kind = wanted.kind or ("decoder" if "decoder" in kinds else "encoder")
    if kind not in kinds:
        raise UsageError(f"{model} has no {kind} maps.", f"It has: {', '.join(sorted(kinds)) or 'none'}.")
    info = kinds[kind].get(wanted.layer)
    if info is None:
        raise UsageError(f"{model} has no {kind} layer {wanted.layer} with a map.", f"Layers: {_span(kinds[kind])}.")
    if wanted.head >= info.heads:
        raise UsageError(
            f"Layer {wanted.layer} of {model} has no head {wanted.head}.", f"Heads go from 0 to {info.heads - 1}."
        )
    return info


def _span(layers: Iterable[int]) -> str:
    """``0 to 3`` for consecutive numbers, else all of them."""
    numbers = sorted(layers)
    if len(numbers) > 1 and numbers == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))
