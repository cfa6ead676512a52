"""What has attention, whatever form it comes in, as a source."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from transformers import PreTrainedModel

from faa_core.capture.opening import ModelSource, Source, open_source
from faa_core.errors import UsageError
from faa_core.library.given import layers_of, maps_of
from faa_core.models.devices import choose_device
from faa_core.models.loading import LoadedModel
from faa_core.reference import ModelReference

_FORMS = (
    "It can be a reference such as demo or gpt2, a pair (model, tokenizer) of transformers, or attention: an array, a "
    "sequence or mapping of arrays [heads, n, m], a cache of TransformerLens, or an output with attentions."
)


@contextmanager
def source_of(model: Any, tokens: tuple[str, ...], device: str, dtype: str) -> Iterator[Source]:
    """A source for as long as it is needed; what was loaded for it is given back.

    Args:
        model: As in `faa_core.library.analyze`, with a reference parsed.
        tokens: What the keys of given attention stand for; none where that is not known.
        device: As there.
        dtype: As there.

    Raises:
        FaaError: It is none, or cannot be loaded.
    """
    if isinstance(model, ModelReference):
        source = open_source(model, device, dtype, lambda *_: None)
        try:
            yield source
        finally:
            source.close()
        return
    if isinstance(model, tuple) and len(model) == 2 and isinstance(model[0], PreTrainedModel):
        yield _loaded(*model, device, dtype)  # it is the caller's, and stays
        return
    if isinstance(model, PreTrainedModel):
        raise UsageError("A model alone cannot read a text.", "Give a pair: (model, tokenizer).")
    layers = layers_of(model)
    if layers is None:
        raise UsageError(f"{type(model).__name__} is nothing that has attention.", _FORMS)
    yield maps_of(layers, tokens or None, None if device == "auto" else choose_device(device))


def _loaded(model: PreTrainedModel, tokenizer: Any, device: str, dtype: str) -> ModelSource:
    if device != "auto" or dtype != "auto":
        raise UsageError("The model is loaded already.", "Move it with its own method, and leave device and dtype out.")
    if not callable(tokenizer):
        raise UsageError(f"{type(tokenizer).__name__} is no tokenizer.", "Give a pair: (model, tokenizer).")
    name = str(getattr(model.config, "name_or_path", "") or type(model).__name__)
    where: torch.device = model.device
    return ModelSource(LoadedModel(model, tokenizer, type(model).__name__, "in memory", where, ()), name)
