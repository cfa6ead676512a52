"""What the signature study looks at: architectures at random initialisation, noise, and the bundled model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from faa_core.geometry.support import Support

Maps = Iterator[torch.Tensor]
"""Causal attention, float32 [heads, n, n], layer after layer."""


@dataclass(frozen=True)
class StudyObject:
    """Something with causal attention maps.

    Attributes:
        title: What it is, for the reader.
        maps: Its maps for a seed and a number of tokens.
    """

    title: str
    maps: Callable[[int, int], Maps]


def _untrained(name: str) -> Callable[[int, int], Maps]:
    def maps(seed: int, tokens: int) -> Maps:
        # On demand, because the libraries of models take seconds to read and noise needs none.
        from faa_core.study.architectures import initialised_maps

        return initialised_maps(name, seed, tokens)

    return maps


def _bundled(name: str) -> Callable[[int, int], Maps]:
    def maps(seed: int, tokens: int) -> Maps:
        from faa_core.study.architectures import bundled_maps

        return bundled_maps(name, tokens)

    return maps


def _noise(sharpness: float) -> Callable[[int, int], Maps]:
    """Softmax over the visible keys of independent Gaussian logits, eight heads."""

    def maps(seed: int, tokens: int) -> Maps:
        logits = torch.randn(8, tokens, tokens, generator=torch.Generator().manual_seed(seed)) * sharpness
        yield torch.softmax(logits.masked_fill(~Support.causal(tokens).mask(), -torch.inf), -1)

    return maps


OBJECTS: dict[str, StudyObject] = {
    "gpt2": StudyObject("GPT-2, 2 layers x 4 heads, untrained", _untrained("gpt2")),
    "gpt2-wide": StudyObject("GPT-2, 4 layers x 8 heads, untrained", _untrained("gpt2-wide")),
    "llama": StudyObject("Llama, untrained", _untrained("llama")),
    "qwen3": StudyObject("Qwen3, untrained", _untrained("qwen3")),
    "mixtral": StudyObject("Mixtral, untrained", _untrained("mixtral")),
    "gpt-neox": StudyObject("GPT-NeoX, untrained", _untrained("gpt-neox")),
    "gpt-oss": StudyObject("gpt-oss, learned sinks, untrained", _untrained("gpt-oss")),
    "deepseek-v3": StudyObject("DeepSeek-V3, untrained", _untrained("deepseek-v3")),
    "bart": StudyObject("BART decoder, untrained", _untrained("bart")),
    "noise": StudyObject("noise, logits of sd 1", _noise(1)),
    "sharp-noise": StudyObject("noise, logits of sd 4", _noise(4)),
    "demo@init": StudyObject("bundled model, untrained", _bundled("demo@init")),
    "demo": StudyObject("bundled model, trained", _bundled("demo")),
}
"""Name to object, in the order of the study."""
