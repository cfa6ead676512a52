"""Proof on the spot that streamed attention is the model's own."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import LlamaConfig, LlamaModel, PreTrainedModel

from faa_core import _compat
from faa_core.capture.calls import LayerCall
from faa_core.capture.coverage import Coverage, accepted, find_coverage
from faa_core.capture.streaming import as_found, forward_options
from faa_core.capture.strips import StripSize
from faa_core.errors import FaaError
from faa_core.records import LayerInfo, MapKind

TOLERANCE = 1e-6
_OUTPUTS: dict[MapKind, tuple[str, ...]] = {
    "encoder": ("encoder_attentions", "attentions"),
    "decoder": ("decoder_attentions", "attentions"),
    "cross": ("cross_attentions",),
}


@dataclass(frozen=True)
class Parity:
    """How far streamed attention is from what the model returns.

    Attributes:
        maps: Number of maps compared, that is, of layers.
        difference: Largest difference of any weight.
        output_difference: Largest difference in the last hidden state.
    """

    maps: int
    difference: float
    output_difference: float


def compare(
    model: PreTrainedModel, inputs: dict[str, torch.Tensor], coverage: Coverage, strip_bytes: int = 1
) -> Parity:
    """Run ``model`` twice, streamed and with ``output_attentions=True`` in eager attention, and compare.

    Args:
        model: A loaded model.
        inputs: Arguments of its ``forward``; a short text, because the second run holds every map whole.
        coverage: Where its attention is.
        strip_bytes: Size of a strip; by default the smallest, so that even a short text gives several.

    Raises:
        ValueError: The model returns other maps than the streamed ones.
    """
    streamed: dict[MapKind, dict[int, torch.Tensor]] = {}

    def collect(info: LayerInfo, call: LayerCall) -> None:
        strips = [weights.cpu() for _, weights in call.strips()]
        streamed.setdefault(info.kind, {})[info.layer] = torch.cat(strips, dim=1)

    inputs = accepted(model, inputs)
    output = coverage.run(model, inputs, collect, StripSize(strip_bytes))
    with as_found(model), _compat.hooks_kept(model):
        _compat.force_eager(model)
        own = model(**inputs, **forward_options(model, output_attentions=True))

    worst, compared = 0.0, 0
    for kind, layers in streamed.items():
        returned = next((value for name in _OUTPUTS[kind] if (value := getattr(own, name, None))), ())
        maps = [value for value in returned if value is not None]
        if len(maps) != len(layers):
            raise ValueError(f"The model returns {len(maps)} {kind} maps; {len(layers)} were streamed.")
        for index, expected in zip(sorted(layers), maps, strict=True):
            worst = max(worst, _distance(layers[index], expected[0].float().cpu()))
            compared += 1
    return Parity(compared, worst, _distance(output.last_hidden_state, own.last_hidden_state))


def check_parity() -> tuple[str, bool, str]:
    """Compare both ways on a small model with random weights, on the device that a model would use.

    Returns:
        Name of the check, whether it passed, and a line for the user.
    """
    name = "streamed attention equals the model's own"
    config = LlamaConfig(
        vocab_size=64,
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
    )
    try:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            model = LlamaModel(config).eval()
            ids = torch.randint(3, 64, (1, 200))
        found = compare(model, {"input_ids": ids, "attention_mask": torch.ones_like(ids)}, find_coverage(model))
    except (FaaError, ValueError, RuntimeError) as error:
        return name, False, f"{type(error).__name__}: {error}"
    passed = found.difference <= TOLERANCE and found.output_difference <= TOLERANCE
    return (
        name,
        passed,
        f"largest difference {found.difference:.1e} over {found.maps} layers, 200 tokens, several strips",
    )


def _distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().max())
