"""Which device and which number format a model runs in."""

from __future__ import annotations

import torch

from faa_core.errors import UsageError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_device(name: str) -> torch.device:
    """The device called ``name``; ``auto`` takes the first of CUDA, MPS and the CPU that is there.

    Raises:
        UsageError: There is no such device on this machine.
    """
    cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        name = "cuda" if cards else "mps" if torch.backends.mps.is_available() else "cpu"
    present = ["cpu", *(f"cuda:{index}" for index in range(cards))]
    present += ["mps"] if torch.backends.mps.is_available() else []
    name = "cuda:0" if name == "cuda" else name
    if name not in present:
        raise UsageError(f"There is no device {name!r} on this machine.", f"It has {', '.join(present)}.")
    return torch.device(name)


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
