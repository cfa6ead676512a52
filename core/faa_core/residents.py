"""Models in memory: several at once, and the one used longest ago given up where a new one does not fit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch

from faa_core import reference as references
from faa_core.capture.opening import Source, open_source
from faa_core.errors import OutOfMemoryError
from faa_core.listener import Listener
from faa_core.models.devices import choose_device, choose_dtype
from faa_core.models.footprint import Footprint, free_bytes, in_gib, stamp, taken_bytes, total_bytes
from faa_core.models.memory import bound, give_back
from faa_core.models.tokens import Encoded
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
        self._limits: dict[str, int] = {}

    def __iter__(self) -> Iterator[ResidentModel]:
        """Every model in memory, the one used longest ago first."""
        return iter(list(self._models.values()))

    def open(self, reference: str, options: RunOptions, listener: Listener, text: str = "") -> ResidentModel:
        """The model that a reference names, loaded unless it is in memory, and from now on the one used last.

        A model whose files have changed since is loaded again.

        Args:
            reference: Which model.
            options: Device, number format and the most memory to take.
            listener: Told what is going on.
            text: What it will read, so that a model that could not is refused before it is loaded.

        Raises:
            UsageError: The reference has no valid form, or the device does not exist.
            ModelError: The model cannot be found or loaded.
            OutOfMemoryError: It cannot fit, or did not, even where no other model is in memory.
        """
        parsed = references.parse(reference)
        device = choose_device(options.device)
        key = ModelKey(str(parsed), str(device), str(choose_dtype(options.dtype, device)))
        self._limits[str(device)] = options.max_memory
        bound(device, options.max_memory)
        found = self._models.get(key)
        if found is not None and found.stamp == stamp(parsed):
            self._models.move_to_end(key)
            return found
        if found is not None:
            self.give_up(key)
        source = self._load(parsed, key, options, listener, text)
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
            give_back()

    def give_up_all_but(self, key: ModelKey | None) -> bool:
        """Give back the memory of every other model; whether there was any."""
        others = [model.key for model in self if model.key != key]
        for other in others:
            self.give_up(other)
        return bool(others)

    def admit(self, model: ResidentModel, encoded: Encoded, listener: Listener) -> None:
        """Make room on the device of a model for a pass over a text; other models are given up for it.

        Raises:
            OutOfMemoryError: The text cannot fit.
        """
        self._make_room(model.key, torch.device(model.key.device), model.source.footprint(encoded), 0, listener)

    def _load(
        self, parsed: ModelReference, key: ModelKey, options: RunOptions, listener: Listener, text: str
    ) -> Source:
        def make_room(device: torch.device, needed: Footprint) -> None:
            # A pass asks for about as much as the weights of a small model; it may do with less.
            spare = max(min(needed.weights, PASS_BYTES) - needed.layer - needed.strip, 0)
            self._make_room(key, device, needed, spare, listener)

        try:
            return open_source(parsed, key.device, options.dtype, listener.progress, make_room, text)
        except OutOfMemoryError:
            if not self._models:
                raise
        # Outside the except block, where nothing holds what the first attempt had allocated.
        self.give_up_all_but(None)
        listener.progress("load", f"Memory ran out: the other models were unloaded, loading {parsed} once more")
        return open_source(parsed, key.device, options.dtype, listener.progress, make_room, text)

    def _make_room(
        self, key: ModelKey, device: torch.device, needed: Footprint, spare: int, listener: Listener
    ) -> None:
        """Give up other models of a device until what is needed is free there, and as far as possible ``spare`` more.

        Raises:
            OutOfMemoryError: What is needed is not there even without them.
        """
        free = self._available(device)
        for model in self:
            if free >= needed.total + spare:
                return
            if model.key.device == str(device) and model.key != key:
                free += model.weights + self._held(model.key)
                self.give_up(model.key)
                listener.progress("load", f"Unloaded {model.key.reference} to make room")
        free = max(free, self._available(device))
        if free < needed.total:
            raise self._refusal(key, device, needed, free)

    def _available(self, device: torch.device) -> int:
        """Bytes that may be taken on a device: those that are free there, within the limit that was asked for."""
        free, limit = self._free(device), self._limits.get(str(device), 0)
        if not limit:
            return free
        taken = taken_bytes(device)
        if taken is None:
            here = (model for model in self if model.key.device == str(device))
            taken = sum(model.weights + self._held(model.key) for model in here)
        return min(free, limit - taken)

    def _refusal(self, key: ModelKey, device: torch.device, needed: Footprint, free: int) -> OutOfMemoryError:
        limit = self._limits.get(str(device), 0)
        total = f"{in_gib(total_bytes(device))} GiB of {device}"
        allowed = f"the {in_gib(limit)} GiB that --max-gpu-memory allows on {device}" if limit else total
        larger = ", a larger limit" if limit else ""
        return OutOfMemoryError(
            f"{key.reference} does not fit: it needs at least {needed.told()}, and of {allowed} "
            f"{in_gib(max(free, 0))} are free.",
            f"Take another device, --dtype bfloat16, a smaller model, a shorter text{larger}, or unload other models.",
        )
