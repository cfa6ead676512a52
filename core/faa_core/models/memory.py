"""Running out of memory, told as what it is."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from faa_core.errors import OutOfMemoryError

_RUNTIME_MESSAGES = ("can't allocate memory", "not enough memory", "MPS backend out of memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that the device or the host has not enough memory."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or (
        isinstance(error, RuntimeError) and any(text in str(error) for text in _RUNTIME_MESSAGES)
    )


@contextmanager
def out_of_memory(doing: str) -> Iterator[None]:
    """Turn any way of running out of memory into one error, and give back what the attempt had taken.

    Args:
        doing: What is being done, for the message; for example ``loading gpt2``.

    Raises:
        OutOfMemoryError: The device or the host had not enough memory.
    """
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        where = "the device" if isinstance(error, torch.OutOfMemoryError) else "this machine"
        error.__traceback__ = None  # its frames hold the tensors that are to be given back
    else:
        return
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    raise OutOfMemoryError(
        f"Memory of {where} ran out while {doing}.", "Use a shorter text, a smaller dtype, or another device."
    )
