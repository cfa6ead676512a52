"""Models in memory: several at once, and the one used longest ago given up where a new one does not fit."""

from __future__ import annotations

import gc
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch

from faa_core import reference as references
from faa_core.capture.opening import Source, open_source
from faa_core.errors import OutOfMemoryError
from faa_core.listener import Listener
from faa_core.models.devices import choose_device, choose_dtype
from faa_core.models.footprint import free_bytes, stamp
from faa_core.reference import ModelReference
from faa_core.worker.protocol import RunOptions

PASS_BYTES = 1024**3
"""Most that is kept free beside the weights for a forward pass; a model smaller than this asks for its own size."""


class ModelKey(NamedTuple):
    """What makes two requests mean the same model in memory.

    Attributes:
        reference: The reference, normalised.
        device: Where it is.
        dtype: Number format that was asked for; "None" for that of the checkpoint.
    """

    reference: str
    device: str
    dtype: str


class ResidentModel(NamedTuple):
    """A model in memory.

    Attributes:
        key: What it is known by.
        source: The model.
        weights: Bytes that it holds.
        stamp: Of its files, when it was loaded.
    """

    key: ModelKey
    source: Source
    weights: int
    stamp: tuple[tuple[str, int, int], ...]


class Residents:
    """Loads models, keeps them, and gives them up: the one used longest ago first.

    Args:
        held: Bytes that the runs of a model hold on its device, which giving it up frees as well.
        given_up: Called before a model is given up, so that what refers to its weights is let go.
        free: Bytes that a model can be given on a device.
    """

    def __init__(
        self,
        held: Callable[[ModelKey], int],
        given_up: Callable[[ModelKey], None],
        free: Callable[[torch.device], int] = free_bytes,
    ) -> None:
        self._held = held
        self._given_up = given_up
        self._free = free
        self._models: OrderedDict[ModelKey, ResidentModel] = OrderedDict()

    def __iter__(self) -> Iterator[ResidentModel]:
        """Every model in memory, the one used longest ago first."""
        return iter(list(self._models.values()))

    def open(self, reference: str, options: RunOptions, listener: Listener) -> ResidentModel:
        """The model that a reference names, loaded unless it is in memory, and from now on the one used last.

        A model whose files have changed since is loaded again.

        Raises:
            UsageError: The reference has no valid form, or the device does not exist.
            ModelError: The model cannot be found or loaded.
            OutOfMemoryError: It does not fit even where no other model is in memory.
        """
        parsed = references.parse(reference)
        device = choose_device(options.device)
        key = ModelKey(str(parsed), str(device), str(choose_dtype(options.dtype, device)))
        found = self._models.get(key)
        if found is not None and found.stamp == stamp(parsed):
            self._models.move_to_end(key)
            return found
        if found is not None:
            self.give_up(key)
        source = self._load(parsed, key, options, listener)
        found = self._models[key] = ResidentModel(key, source, source.nbytes, stamp(parsed))
        listener.loaded(source.info)
        return found

    def touch(self, key: ModelKey) -> None:
        """Note that a model is used, or its maps are; harmless where it is gone."""
        if key in self._models:
            self._models.move_to_end(key)

    def give_up(self, key: ModelKey) -> None:
        """Give back the memory of a model; harmless where it is not loaded."""
        model = self._models.pop(key, None)
        if model is not None:
            self._given_up(key)
            model.source.close()
            del model
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()

    def give_up_all_but(self, key: ModelKey | None) -> bool:
        """Give back the memory of every other model; whether there was any."""
        others = [model.key for model in self if model.key != key]
        for other in others:
            self.give_up(other)
        return bool(others)

    def _load(self, parsed: ModelReference, key: ModelKey, options: RunOptions, listener: Listener) -> Source:
        def make_room(device: torch.device, weights: int) -> None:
            self._make_room(str(device), weights + min(weights, PASS_BYTES) - self._free(device), listener)

        try:
            return open_source(parsed, key.device, options.dtype, listener.progress, make_room)
        except OutOfMemoryError:
            if not self._models:
                raise
        # Outside the except block, where nothing holds what the first attempt had allocated.
        self.give_up_all_but(None)
        listener.progress("load", f"Memory ran out: the other models were unloaded, loading {parsed} once more")
        return open_source(parsed, key.device, options.dtype, listener.progress)

    def _make_room(self, device: str, missing: int, listener: Listener) -> None:
        """Give up models of a device until ``missing`` bytes are free there, or none is left."""
        for model in self:
            if missing <= 0:
                return
            if model.key.device == device:
                missing -= model.weights + self._held(model.key)
                self.give_up(model.key)
                listener.progress("load", f"Unloaded {model.key.reference} to make room")
