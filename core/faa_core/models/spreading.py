"""Models larger than one device: which layer goes where."""

from __future__ import annotations

import importlib.util
from typing import Any

import torch
from transformers import PreTrainedModel

from faa_core import _compat
from faa_core.errors import ModelError, OutOfMemoryError
from faa_core.models.devices import Place
from faa_core.models.footprint import Footprint
from faa_core.models.memory import REMEDY
from faa_core.models.room import Room, what_is_free

DeviceMap = dict[str, Any]
"""Name of a part of a model to its device, as ``from_pretrained`` and accelerate take it."""


def need_accelerate(name: str, place: Place) -> None:
    """Make sure that a model can be spread over devices.

    Args:
        name: The model.
        place: The devices.

    Raises:
        ModelError: accelerate is not installed.
    """
    if importlib.util.find_spec("accelerate") is None:
        raise ModelError(
            f"{name} does not fit {place.devices[0]}, and spreading it over {place} needs accelerate, which is not "
            "installed.",
            "Install it with: pip install 'faa-tui[large]', or take --dtype bfloat16 or a smaller model.",
        )


def plan(empty: PreTrainedModel, place: Place, room: Room, needed: Footprint) -> DeviceMap:
    """Which layer goes where. Cards get about as much each, and the memory of the host what they cannot hold.

    Args:
        empty: The model on the device ``meta``, in the number format that it is going to have.
        place: The devices.
        room: What may be taken on each.
        needed: What the model takes; what a pass takes is left free on each card.

    Returns:
        Device of every part, whole layers each.

    Raises:
        OutOfMemoryError: Cut into whole layers it does not fit.
    """
    from accelerate import infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    beside = needed.layer + needed.strip
    left = {device: room[device] - (beside if device in place.computing else 0) for device in place.devices}
    # accelerate keeps room to bring a layer to the first card that it is told of, whatever is free there.
    most = {_name(device): nbytes for device, nbytes in left.items() if nbytes > 0}
    layers = _compat.kept_together(empty)
    most = get_balanced_memory(empty, most, layers)
    found: DeviceMap = infer_auto_device_map(empty, most, layers)
    if "disk" in found.values():
        raise OutOfMemoryError(
            f"The layers of the model cannot be spread over {place}: it needs {needed.told()} and room to bring a "
            f"layer to a card, and {what_is_free(place, room)}.",
            REMEDY,
        )
    return found


def spread(model: PreTrainedModel, where: DeviceMap) -> PreTrainedModel:
    """A model in the memory of the host, put where a plan says."""
    from accelerate import dispatch_model

    spread: PreTrainedModel = dispatch_model(model, where, skip_keys=_compat.kept_in_place(model))
    return spread


def _name(device: torch.device) -> int | str:
    """What accelerate calls a device: cards by their number."""
    return device.index or 0 if device.type == "cuda" else device.type
