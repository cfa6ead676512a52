"""What must be known to get the same numbers again."""

from __future__ import annotations

from collections.abc import Sequence

from faa_core.records import Analysis, ModelInfo
from faa_core.report.numbers import count

TEXT_CHARACTERS = 20_000
"""Of a longer text the page shows the beginning."""


def model_facts(model: ModelInfo, reference: str = "") -> dict[str, str]:
    """Name and value of what is known of a model."""
    return {
        "model": reference or model.reference,
        "architecture": model.architecture,
        "commit or digest": model.revision,
        "tokenizer": model.tokenizer_hash,
        "device": model.device,
        "number format": model.dtype,
        "attention": model.attention,
        "maps taken by": model.route,
        "parameters": f"{model.parameters:,}" if model.parameters else "",
        "versions": ", ".join(f"{name} {model.versions[name]}" for name in sorted(model.versions)),
    }


def text_facts(analysis: Analysis) -> str:
    """How long the text of a run is."""
    return f"{len(analysis.text):,} characters, {count(len(analysis.tokens), 'token')}"


def token_facts(numbers: Sequence[int]) -> str:
    """How long texts are."""
    if len(set(numbers)) < 2:
        return count(numbers[0], "token") if numbers else ""
    return f"{min(numbers):,} to {max(numbers):,} tokens"


def text_shown(text: str) -> dict[str, object]:
    """The lines of a text that a page shows, and how many characters it does not."""
    shown = text[:TEXT_CHARACTERS]
    return {"lines": shown.split("\n") if shown else (), "text_left_out": max(0, len(text) - TEXT_CHARACTERS)}
