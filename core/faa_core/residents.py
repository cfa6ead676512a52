"""Models in memory: several at once, and the one used longest ago given up where a new one does not fit."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import torch

from faa_core import reference as references
from faa_core.capture.opening import Source, open_source
from faa_core.errors import OutOfMemoryError
from faa_core.inventory import DeviceRoom, Outlook
from faa_core.listener import Listener
from faa_core.models.devices import Place, choose_device, choose_dtype, widest_place
from faa_core.models.footprint import Footprint, free_bytes, stamp, taken_bytes, total_bytes
from faa_core.models.memory import bound, give_back
from faa_core.models.pacing import PacedProgress
from faa_core.models.room import Room, fits, what_is_free, whole_room
from faa_core.models.tokens import Encoded
from faa_core.reference import ModelReference
from faa_core.worker.protocol import RunOptions

PASS_BYTES = 1024**3
"""Most that is kept free beside the weights for a forward pass; a model smaller than this asks for its own size."""


class ModelKey(NamedTuple):
    """What makes two requests mean the same model in memory.

    Attributes:
        reference: The reference, normalised.
        device: Where it is, as `Place` is written.
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
        self._limits: dict[torch.device, int] = {}

    def __iter__(self) -> Iterator[ResidentModel]:
        """Every model in memory, the one used longest ago first."""
        return iter(list(self._models.values()))

    def open(self, reference: str, options: RunOptions, listener: Listener, text: str = "") -> ResidentModel:
        """The model that a reference names, loaded unless it is in memory, and from now on the one used last.

        A model whose files have changed since is loaded again.

        Args:
            reference: Which model.
            options: Device, number format and the most memory to take.
            listener: Told what is going on; its ``check`` ends a download or the reading of weights.
            text: What it will read, so that a model that could not is refused before it is loaded.

        Raises:
            UsageError: The reference has no valid form, or the device does not exist.
            ModelError: The model cannot be found or loaded.
            OutOfMemoryError: It cannot fit, or did not, even where no other model is in memory.
            Cancelled: The listener ended it.
        """
        parsed = references.parse(reference)
        device = choose_device(options.device)
        key = ModelKey(str(parsed), str(device), str(choose_dtype(options.dtype, device)))
        found = self._models.get(key) or self._spread(key, widest_place(options.device))
        self._bind(Place((device,)) if found is None else Place.parse(found.key.device), options)
        if found is not None and found.stamp == stamp(parsed):
            self._models.move_to_end(found.key)
            return found
        if found is not None:
            self.give_up(found.key)
        source = self._load(parsed, key, options, listener, text)
        key = key._replace(device=source.info.device)
        found = self._models[key] = ResidentModel(key, source, source.nbytes, stamp(parsed))
        listener.loaded(source.info)
        return found

    def outlook(self, needed: Footprint, options: RunOptions) -> tuple[Outlook, tuple[DeviceRoom, ...]]:
        """Whether a model that is not in memory would fit, and what there is on the devices that it would go to.

        Args:
            needed: What it takes.
            options: Device and the most memory to take.

        Raises:
            UsageError: The device does not exist.
        """
        narrow, wide = Place((choose_device(options.device),)), widest_place(options.device)
        for place in dict.fromkeys((narrow, wide)):
            limits = {device: options.max_memory if device in place.computing else 0 for device in place.devices}
            room = {device: self._available_on(device, limit) for device, limit in limits.items()}
            least = {
                device: min(free + self._held_on(device), limits[device] or total_bytes(device))
                for device, free in room.items()
            }
            found: Outlook | None = "fits" if fits(place, needed, room) else None
            if found is None and fits(place, needed, least):
                found = "after-unloading"
            if found is not None:
                return found if place == narrow else "spread", _told(room)
        return "no", _told(room)

    def _held_on(self, device: torch.device) -> int:
        """Bytes that giving up every model of a device alone would free."""
        return sum(model.weights + self._held(model.key) for model in self if model.key.device == str(device))

    def _spread(self, key: ModelKey, widest: Place) -> ResidentModel | None:
        """The model of a key where it did not fit the device of the key alone, and was put elsewhere in ``widest``."""
        return next(
            (
                model
                for model in self
                if model.key._replace(device=key.device) == key
                and len(widest.devices) > 1
                and {*Place.parse(model.key.device).computing} <= {*widest.computing}
            ),
            None,
        )

    def _bind(self, place: Place, options: RunOptions) -> None:
        """Keep to the limit that was asked for on every device that computes."""
        for device in place.computing:
            self._limits[device] = options.max_memory
            bound(device, options.max_memory)

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
        """Make room on the devices of a model for a pass over a text; other models are given up for it.

        Raises:
            OutOfMemoryError: The text cannot fit.
        """
        self._make_room(model.key, Place.parse(model.key.device), model.source.footprint(encoded), 0, listener)

    def _load(
        self, parsed: ModelReference, key: ModelKey, options: RunOptions, listener: Listener, text: str
    ) -> Source:
        def make_room(place: Place, needed: Footprint) -> Room:
            # A pass asks for about as much as the weights of a small model; it may do with less.
            spare = max(min(needed.weights, PASS_BYTES) - needed.layer - needed.strip, 0)
            self._bind(place, options)
            return self._make_room(key, place, needed, spare, listener)

        progress = PacedProgress(listener)
        try:
            return open_source(parsed, options.device, options.dtype, progress, make_room, text)
        except OutOfMemoryError:
            if not self._models:
                raise
        # Outside the except block, where nothing holds what the first attempt had allocated.
        self.give_up_all_but(None)
        listener.progress("load", f"Memory ran out: the other models were unloaded, loading {parsed} once more")
        return open_source(parsed, options.device, options.dtype, progress, make_room, text)

    def _make_room(self, key: ModelKey, place: Place, needed: Footprint, spare: int, listener: Listener) -> Room:
        """Give up other models of a place until what is needed is free there, and as far as possible ``spare`` more.

        Returns:
            What may be taken on each of the devices.

        Raises:
            OutOfMemoryError: What is needed is not there even without them.
        """
        room = self._available(place)
        wanted = replace(needed, strip=needed.strip + spare)
        for model in self:
            if fits(place, wanted, room) or not fits(place, needed, self._at_most(place)):
                break
            its_place = Place.parse(model.key.device)
            if model.key != key and not {*its_place.devices}.isdisjoint(place.devices):
                freed = model.weights + self._held(model.key)
                self.give_up(model.key)
                listener.progress("load", f"Unloaded {model.key.reference} to make room")
                now = self._available(place)
                if len(its_place.devices) == 1:  # of others it is not known how much was where
                    now[its_place.devices[0]] = max(now[its_place.devices[0]], room[its_place.devices[0]] + freed)
                room = now
        if not fits(place, needed, room):
            raise self._refusal(key, place, needed, room)
        return room

    def _available(self, place: Place) -> dict[torch.device, int]:
        """Bytes that may be taken on each device: those that are free there, within the limit that was asked for."""
        return {device: self._available_on(device, self._limit(place, device)) for device in place.devices}

    def _available_on(self, device: torch.device, limit: int) -> int:
        free = self._free(device)
        if not limit:
            return free
        taken = taken_bytes(device)
        if taken is None:
            taken = self._held_on(device)
        return min(free, limit - taken)

    def _limit(self, place: Place, device: torch.device) -> int:
        """Most that may be taken of a device; 0 for as much as there is, as in the memory of the host beside cards."""
        return self._limits.get(device, 0) if device in place.computing else 0

    def _at_most(self, place: Place) -> Room:
        """What there would be on each device if nobody else took any of it."""
        return {device: min(total, self._limit(place, device) or total) for device, total in whole_room(place).items()}

    def _refusal(self, key: ModelKey, place: Place, needed: Footprint, room: Room) -> OutOfMemoryError:
        limits = {device: self._limit(place, device) for device in place.devices}
        larger = ", a larger limit" if any(limits.values()) else ""
        free = what_is_free(place, room, limits)
        return OutOfMemoryError(
            f"{key.reference} does not fit: it needs at least {needed.told()}, and {free}.",
            f"Take another device, --dtype bfloat16, a smaller model, a shorter text{larger}, or unload other models.",
        )


def _told(room: Room) -> tuple[DeviceRoom, ...]:
    return tuple(DeviceRoom(str(device), max(free, 0), total_bytes(device)) for device, free in room.items())
