"""Which layers of a model have attention maps, found by looking at a forward pass of a few tokens.

What a configuration says about attention differs from family to family; what arrives at the attention function does
not. So the layers, their kinds, heads, windows and learned sinks are observed.
"""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn
from transformers import PreTrainedModel

from faa_core import _compat
from faa_core.capture.calls import LayerCall
from faa_core.capture.hooks import run_hooked
from faa_core.capture.streaming import Visitor, stream
from faa_core.capture.strips import StripSize
from faa_core.errors import NoAttentionError, OutOfMemoryError
from faa_core.models.attention_kinds import layer_types, why_no_map
from faa_core.models.devices import place_of
from faa_core.models.memory import out_of_memory
from faa_core.records import LayerInfo, MapKind, Pattern

Route = Literal["interface", "hooks"]

_TOKENS = 9
_DECODER_TOKENS = 6  # fewer than the encoder gets, so that the shape of a map tells its kind
_SINK_SUM = 0.99  # below any row sum that rounding to bfloat16 leaves


@dataclass(frozen=True)
class Coverage:
    """Where a model's attention is and how it is reached.

    Attributes:
        route: Attention interface or hooks.
        ask: Whether the hooks route has to ask the model for its weights.
        layers: Every layer in the order of the forward pass, those without maps included.
        calls: Which layer the n-th call of a module belongs to.
        names: Name of every module.
        note: Why the maps do not come through the attention interface, where the family has it; else "".
    """

    route: Route
    ask: bool
    layers: tuple[LayerInfo, ...]
    calls: dict[tuple[str, int], LayerInfo]
    names: dict[int, str] = field(repr=False)
    note: str = ""

    def run(
        self,
        model: PreTrainedModel,
        inputs: dict[str, torch.Tensor],
        visit: Callable[[LayerInfo, LayerCall], None],
        size: StripSize | None = None,
    ) -> Any:
        """One forward pass; ``visit`` is called with the layer that each call belongs to, and exhausts its strips."""
        counts: Counter[str] = Counter()

        def named(call: LayerCall) -> None:
            name = self.names[id(call.module)]
            info = self.calls.get((name, counts[name]))
            counts[name] += 1
            if info is None:
                raise NoAttentionError(
                    f"{name} computes attention for this text, but did not for the few tokens tried first.",
                    "The layers of such a model cannot be told apart.",
                )
            visit(_with_window(info, call), call)

        return _pass(self.route, self.ask)(model, inputs, named, size)


@dataclass(frozen=True)
class _Seen:
    """One attention call of the trial pass."""

    module: str
    call: int
    layer_index: int | None
    heads: int
    queries: int
    keys: int
    causal: bool
    full: bool
    pattern: Pattern | None
    window: int | None
    learned_sink: bool


def find_coverage(model: PreTrainedModel) -> Coverage:
    """Look for the attention of ``model``, through the interface first and through hooks then.

    Args:
        model: A loaded model.

    Raises:
        NoAttentionError: It has no attention, or none that could be read.
    """
    attempts: list[tuple[Route, bool]] = [("interface", False)] if _compat.switchable(model) else []
    attempts += [("hooks", False), ("hooks", True)]
    names = {id(module): name for name, module in model.named_modules()}
    failure: Exception | None = None
    for route, ask in attempts:
        try:
            seen = _trial(model, names, route, ask)
        except OutOfMemoryError:
            raise
        except Exception as error:  # what a family's code does with an unusual call cannot be foreseen
            failure = error
        else:
            if seen:
                calls = _layers(model, seen)
                layers = _with_gaps(model, tuple(calls.values()))
                note = "" if failure is None else f"Maps come from hooks; the attention interface failed: {failure}"
                return Coverage(route, ask, layers, calls, names, note)
    family = type(model).__name__
    if failure is None:
        raise NoAttentionError(
            f"{family} has no attention layers: no part of it computes a map of queries and keys.",
            "State-space and purely recurrent models cannot be shown; choose a transformer.",
        )
    raise NoAttentionError(
        f"The attention of {family} cannot be read: {type(failure).__name__}: {failure}",
        "Neither the attention interface nor hooks reach it.",
    ) from failure


def _pass(route: Route, ask: bool) -> Callable[..., Any]:
    if route == "interface":
        return stream

    def hooked(
        model: PreTrainedModel, inputs: dict[str, torch.Tensor], visit: Visitor, size: StripSize | None = None
    ) -> Any:
        return run_hooked(model, inputs, visit, ask, size)

    return hooked


def trial_inputs(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """A few valid token ids for ``model``: int64 [1, 9], and [1, 6] for a decoder beside an encoder."""
    embedding = model.get_input_embeddings()
    vocabulary = int(getattr(embedding, "num_embeddings", 0) or model.config.get_text_config().vocab_size)
    device = place_of(model).computing[0]
    ids = torch.arange(1, 1 + _TOKENS, device=device)[None] % vocabulary
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    if model.config.is_encoder_decoder:
        inputs["decoder_input_ids"] = ids[:, :_DECODER_TOKENS]
    return inputs


def _trial(model: PreTrainedModel, names: dict[int, str], route: Route, ask: bool) -> list[_Seen]:
    seen: list[_Seen] = []
    counts: Counter[str] = Counter()

    def look(call: LayerCall) -> None:
        lightest = 1.0
        for _, weights in call.strips():
            lightest = min(lightest, float(weights.sum(dim=-1).amin()))
        support = call.support
        rows = torch.arange(call.queries)
        from_start = bool((support.first == 0).all())
        causal = from_start and call.queries == call.keys and bool((support.stop == rows + 1).all())
        window = call.window
        index = getattr(call.module, "layer_idx", None)
        name = names[id(call.module)]
        seen.append(
            _Seen(
                module=name,
                call=counts[name],
                layer_index=index if isinstance(index, int) else None,
                heads=call.heads,
                queries=call.queries,
                keys=call.keys,
                causal=causal or bool((support.stop <= rows + 1).all()),
                full=from_start and bool((support.stop == call.keys).all()),
                pattern=None if window is None else "chunked" if window.chunked else "sliding",
                window=None if window is None else window.width,
                learned_sink=call.named_sink or lightest < _SINK_SUM,
            )
        )
        counts[name] += 1

    with out_of_memory("trying the model on a few tokens"):
        _pass(route, ask)(model, accepted(model, trial_inputs(model)), look)
    return seen


def accepted(model: nn.Module, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Those of ``inputs`` that the ``forward`` of ``model`` takes."""
    parameters = inspect.signature(model.forward).parameters
    return {name: value for name, value in inputs.items() if name in parameters}


def _kind(model: PreTrainedModel, seen: _Seen, decoder: bool) -> MapKind:
    if not model.config.is_encoder_decoder:
        return "decoder" if decoder else "encoder"
    if seen.queries != _DECODER_TOKENS:
        return "encoder"
    return "decoder" if seen.keys == _DECODER_TOKENS else "cross"


def _layers(model: PreTrainedModel, seen: list[_Seen]) -> dict[tuple[str, int], LayerInfo]:
    """Give every call its kind, and its index within the kind.

    The index is the model's own ``layer_idx`` where it tells the calls apart, which in a hybrid model is the number of
    the layer in the whole stack. Where layers share a module it does not, and the configuration or the order decides.
    """
    decoder = any(one.causal for one in seen)
    kinds = [_kind(model, one, decoder) for one in seen]
    layers: dict[tuple[str, int], LayerInfo] = {}
    for kind in dict.fromkeys(kinds):
        mine = [one for one, its_kind in zip(seen, kinds, strict=True) if its_kind == kind]
        own = [one.layer_index for one in mine]
        indices = [index for index in own if index is not None]
        if len(set(indices)) < len(mine):
            indices = _stack_positions(model, len(mine))
        for position, one in enumerate(mine):
            pattern: Pattern = "other"
            if kind == "cross":
                pattern = "cross"
            elif one.pattern is not None:
                pattern = one.pattern
            elif one.full and not one.causal:
                pattern = "bidirectional"
            elif one.causal:
                pattern = "causal"
            layers[one.module, one.call] = LayerInfo(
                kind, indices[position], one.heads, pattern, one.window, one.learned_sink, _note(one.learned_sink)
            )
    order = {(one.module, one.call): place for place, one in enumerate(seen)}
    return dict(sorted(layers.items(), key=lambda item: order[item[0]]))


def _stack_positions(model: PreTrainedModel, count: int) -> list[int]:
    """Numbers of the ``count`` layers with attention: those that the configuration names, else 0, 1, ..."""
    types = layer_types(model.config) or ()
    named = [index for index, name in enumerate(types) if "linear" not in name and re.search("attention|hybrid", name)]
    return named if len(named) == count else list(range(count))


def _note(learned_sink: bool) -> str:
    return "Rows sum to less than one: a learned sink takes the rest." if learned_sink else ""


def _with_gaps(model: PreTrainedModel, layers: tuple[LayerInfo, ...]) -> tuple[LayerInfo, ...]:
    """Add the layers of the stack that have no map, each with the reason."""
    if model.config.is_encoder_decoder:
        return layers
    config = model.config.get_text_config()
    total = getattr(config, "num_hidden_layers", None)
    found = {info.layer for info in layers}
    if not isinstance(total, int) or max(found) >= total or len(found) == total:
        return layers
    types = layer_types(model.config)
    kind = layers[0].kind
    missing = tuple(
        LayerInfo(kind, index, 0, "none", note=why_no_map(types, index)) for index in range(total) if index not in found
    )
    return tuple(sorted(layers + missing, key=lambda info: info.layer))


def _with_window(info: LayerInfo, call: LayerCall) -> LayerInfo:
    """``info`` with a window that shows only in a text longer than it."""
    if info.window is not None or call.window is None or info.kind == "cross":
        return info
    pattern: Pattern = "chunked" if call.window.chunked else "sliding"
    return LayerInfo(info.kind, info.layer, info.heads, pattern, call.window.width, info.learned_sink, info.note)
