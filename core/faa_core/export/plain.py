"""What every export shares: numbers that JSON has, and where they come from."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from faa_core.records import ModelInfo

Chosen = set[tuple[str, int, int]] | None
"""Addresses (kind, layer, head) to export; ``None`` for all."""


def number(value: float) -> float | None:
    """``value``, or ``None`` where it is not finite, which JSON cannot say."""
    return value if math.isfinite(value) else None


def provenance(model: ModelInfo) -> dict[str, Any]:
    """All that is needed to say which model produced a number."""
    return {
        "model": model.reference,
        "architecture": model.architecture,
        "revision": model.revision,
        "device": model.device,
        "dtype": model.dtype,
        "versions": dict(model.versions),
        "tokenizer_hash": model.tokenizer_hash,
    }


def json_of(plain: dict[str, Any]) -> bytes:
    """Indented UTF-8 JSON."""
    return msgspec.json.format(msgspec.json.encode(plain), indent=2)
