"""Whether a model fits the devices it is meant for, told with the figures of each of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch

from faa_core.errors import OutOfMemoryError
from faa_core.models.devices import Place
from faa_core.models.footprint import Footprint, free_bytes, in_gib, total_bytes
from faa_core.models.memory import REMEDY

Room = Mapping[torch.device, int]
"""Bytes that may be taken on each device of a place."""

MakeRoom = Callable[[Place, Footprint], Room]
"""``make_room(place, footprint)``: called before so much is put there; returns what is free then, or raises."""


def fits(place: Place, needed: Footprint, room: Room) -> bool:
    """Whether a model fits. Weights may be divided; what a pass takes is needed on every device that computes.

    Args:
        place: Devices that it would be spread over. Before its weights are there, cards without room for a pass can
            be left out; a pass alone needs all of them.
        needed: What it takes.
        room: What there is.
    """
    beside = needed.layer + needed.strip
    left = [room[device] - beside for device in place.computing]
    if not needed.weights:
        return min(left) >= 0
    waiting = [room[device] for device in place.devices if device not in place.computing]
    usable = [nbytes for nbytes in left if nbytes >= 0]
    return bool(usable) and sum(usable) + sum(waiting) >= needed.weights


def free_room(place: Place) -> Room:
    """What the system has left on each device."""
    return {device: free_bytes(device) for device in place.devices}


def whole_room(place: Place) -> Room:
    """The memory of each device, whoever holds it."""
    return {device: total_bytes(device) for device in place.devices}


def what_is_free(place: Place, room: Room, limits: Room | None = None) -> str:
    """``of 80.0 GiB of cuda:0 3.1 are free, of 80.0 GiB of cuda:1 71.5 are free``.

    Args:
        place: The devices.
        room: What is free there.
        limits: What was asked to be taken at most, where it was.
    """
    parts = []
    for device in place.devices:
        limit = (limits or {}).get(device, 0)
        of = (
            f"the {in_gib(limit)} GiB that --max-gpu-memory allows on"
            if limit
            else f"{in_gib(total_bytes(device))} GiB of"
        )
        parts.append(f"of {of} {device} {in_gib(max(room[device], 0))} are free")
    return ", ".join(parts)


def shortage(place: Place, needed: Footprint) -> str:
    """A sentence that puts what is needed beside what there is now."""
    return f"It needs at least {needed.told()}; {what_is_free(place, free_room(place))}."


def make_sure(place: Place, needed: Footprint) -> Room:
    """The `MakeRoom` of those who have nothing to give up.

    Raises:
        OutOfMemoryError: It does not fit.
    """
    room = free_room(place)
    if not fits(place, needed, room):
        raise OutOfMemoryError(f"The model does not fit. {shortage(place, needed)}", REMEDY)
    return room
