"""Which devices and which number format a model runs in."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import PreTrainedModel

from faa_core import _compat
from faa_core.errors import UsageError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str) -> torch.device:
    """The device called ``name``; ``auto`` takes the first of CUDA, MPS and the CPU that is there.

    Raises:
        UsageError: There is no such device on this machine.
    """
    cards = _cards()
    if name == "auto":
        name = "cuda" if cards else "mps" if torch.backends.mps.is_available() else "cpu"
    present = ["cpu", *(f"cuda:{index}" for index in range(cards))]
    present += ["mps"] if torch.backends.mps.is_available() else []
    name = "cuda:0" if name == "cuda" else name
    if name not in present:
        raise UsageError(f"There is no device {name!r} on this machine.", f"It has {', '.join(present)}.")
    return torch.device(name)


@dataclass(frozen=True)
class Place:
    """The devices that hold a model: one, or several where its layers are spread over them.

    Written as the names of the devices with a plus between them, for example ``cuda:0+cuda:1+cpu``.

    Attributes:
        devices: Cards in the order of the layers. Behind them the CPU, where the memory of the host keeps the weights
            of layers that are brought to a card for as long as they compute.
    """

    devices: tuple[torch.device, ...]

    def __str__(self) -> str:
        return "+".join(map(str, self.devices))

    @classmethod
    def parse(cls, text: str) -> Place:
        """The place that is written so."""
        return cls(tuple(map(torch.device, text.split("+"))))

    @property
    def computing(self) -> tuple[torch.device, ...]:
        """The devices where layers compute: all of them, but for a CPU beside cards."""
        return tuple(device for device in self.devices if device.type != "cpu") or self.devices


def widest_place(name: str) -> Place:
    """All that a model asked for on the device ``name`` may be spread over, where it does not fit that device.

    With ``auto`` these are all CUDA cards and the memory of the host; whoever names a device gets that one.

    Raises:
        UsageError: There is no such device on this machine.
    """
    device = choose_device(name)
    if name != "auto" or device.type != "cuda":
        return Place((device,))
    return Place((*(torch.device("cuda", index) for index in range(_cards())), torch.device("cpu")))


def place_of(model: PreTrainedModel) -> Place:
    """The devices that a loaded model is on, by the map that accelerate leaves on it where there are several.

    Inputs go to the first of those that compute, where the embeddings are. Layers that accelerate keeps on the disk
    have no device; they compute where the others do.
    """
    mapped = set(places := list(getattr(model, "hf_device_map", {}).values()))
    if len(mapped) < 2:
        return Place((_compat.computing_device(model),))
    named = [place for place in places if place != "disk"]
    devices = dict.fromkeys(torch.device("cuda", name) if type(name) is int else torch.device(name) for name in named)
    return Place(tuple(sorted(devices, key=lambda device: device.type == "cpu")))


def _cards() -> int:
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


_WITHOUT_FLOAT64 = ("mps",)
"""Kinds of devices that have no float64."""


def for_sums(weights: torch.Tensor) -> torch.Tensor:
    """``weights`` where float64 is: on the CPU where their device has none, else as they are.

    Every sum over attention is taken in float64. What leaves the capture passes through here, so that what measures
    it need not know: on Apple's GPUs the model runs there and the sums run on the CPU, which shares its memory.
    """
    return weights.cpu() if weights.device.type in _WITHOUT_FLOAT64 else weights


def choose_dtype(name: str, device: torch.device) -> torch.dtype | None:
    """The number format called ``name``.

    Args:
        name: ``float32``, ``bfloat16``, ``float16``, or ``auto``: float32 on the CPU, which computes half precision
            slowly, and on an accelerator whatever the checkpoint is stored in.
        device: Where the model will run.

    Returns:
        The format, or ``None`` for that of the checkpoint.

    Raises:
        UsageError: There is no such format.
    """
    if name == "auto":
        return torch.float32 if device.type == "cpu" else None
    if name not in _DTYPES:
        raise UsageError(f"There is no number format {name!r}.", f"Choose auto, {', '.join(_DTYPES)}.")
    return _DTYPES[name]
