"""Running out of memory, told as what it is."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch

from faa_core.errors import FaaError, OutOfMemoryError
from faa_core.worker.faults import is_out_of_memory

REMEDY = "Use a shorter text, a smaller model, --dtype bfloat16, or another device."
_T = TypeVar("_T")
_bounded: set[torch.device] = set()
"""Devices whose share was set by `bound`."""
_MPS_MOST = 2.0
"""Largest share of its recommended maximum that torch lets be asked for on MPS."""
_MPS_UNASKED = float(os.environ.get("PYTORCH_MPS_HIGH_WATERMARK_RATIO", 1.7))
"""The share that torch starts with there."""


def attempt(make: Callable[[], _T]) -> _T | None:
    """What ``make`` returns; ``None`` where memory ran out, and then nothing of what it had allocated is held.

    To be called for what may be tried again smaller: after it returns no ``except`` block is open whose traceback
    would keep the tensors of all its frames.
    """
    try:
        return make()
    except Exception as error:
        if isinstance(error, FaaError) or not is_out_of_memory(error):
            raise
        error.__traceback__ = None
    return None


@contextmanager
def out_of_memory(doing: str, figures: Callable[[], str] = str) -> Iterator[None]:
    """Turn any way of running out of memory into one error, and give back what the attempt had taken.

    Args:
        doing: What is being done, for the message; for example ``loading gpt2``.
        figures: Says, once memory has run out and was given back, what is needed and what there is; a sentence.

    Raises:
        OutOfMemoryError: The device or the host had not enough memory.
    """
    hint = REMEDY
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        where = "the device" if isinstance(error, torch.OutOfMemoryError) else "this machine"
        reason = f"Memory of {where} ran out while {doing}."
        if isinstance(error, FaaError):
            reason = error.message
            hint = error.hint
        error.__traceback__ = None  # its frames hold the tensors that are to be given back
    else:
        return
    give_back()
    raise OutOfMemoryError(f"{reason} {figures()}".strip(), hint)


def give_back(device: torch.device | None = None) -> None:
    """Give memory that nothing refers to any more back to the system.

    Args:
        device: Whose; by default that of all devices.
    """
    gc.collect()
    kind = "" if device is None else device.type
    if kind in ("", "cuda") and torch.cuda.is_available():
        torch.cuda.empty_cache()
    if kind in ("", "mps") and torch.backends.mps.is_available():
        torch.mps.empty_cache()


def bound(device: torch.device, nbytes: int) -> None:
    """Let this process take at most ``nbytes`` of a CUDA card or of Apple's GPU; 0 lifts the bound. Nothing on a CPU.

    torch then fails to allocate beyond it as it does on a device that is full, so that others who share the device
    keep what is theirs.
    """
    if device not in _bounded and not nbytes:
        return
    if device.type == "cuda":
        total = torch.cuda.get_device_properties(device).total_memory
        torch.cuda.set_per_process_memory_fraction(min(nbytes / total, 1.0) if nbytes else 1.0, device)
    elif device.type == "mps":
        total = torch.mps.recommended_max_memory()
        torch.mps.set_per_process_memory_fraction(min(nbytes / total, _MPS_MOST) if nbytes else _MPS_UNASKED)
    else:
        return
    _bounded.add(device)
    if not nbytes:
        _bounded.discard(device)
