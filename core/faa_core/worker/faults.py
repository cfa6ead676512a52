"""What went wrong in a job, told so that it can travel, and what has to be done about it."""

from __future__ import annotations

import gc
import sys
import traceback

from faa_core.errors import FaaError, OutOfMemoryError, WorkerError
from faa_core.worker.protocol import Fail

_TEXT = 2_000
_DETAIL = 20_000

_ALLOCATION = (
    "can't allocate memory",  # DefaultCPUAllocator
    "not enough memory",
    "MPS backend out of memory",
    "CUBLAS_STATUS_ALLOC_FAILED",
    "CUDNN_STATUS_ALLOC_FAILED",
    "CUDA error: out of memory",
    "NVML_SUCCESS == r INTERNAL ASSERT",  # how the CUDA allocator fails inside a MIG slice
)
_BROKEN_CONTEXT = (
    "an illegal memory access",
    "device-side assert",
    "unspecified launch failure",
    "misaligned address",
    "an illegal instruction",
    "uncorrectable ECC error",
)


def describe(job: int, error: BaseException) -> Fail:
    """`Fail` for the job. It holds strings only: nothing in it keeps a frame, and so a tensor, alive."""
    if isinstance(error, FaaError):
        detail = _traceback(error) if error.__cause__ is not None else ""
        return Fail(job, error.kind, error.message[:_TEXT], error.hint[:_TEXT], error.retry, detail)
    text = _one_line(error)
    if is_out_of_memory(error):
        return Fail(
            job,
            OutOfMemoryError.kind,
            f"Out of memory: {text}",
            "Try a shorter text, a smaller model, --dtype bfloat16 or another device.",
            OutOfMemoryError.retry,
            _traceback(error),
        )
    if has_broken_device(error):
        return Fail(
            job,
            WorkerError.kind,
            f"The accelerator failed and cannot be used further by this process: {text}",
            "The worker ends; start again with a new one.",
            WorkerError.retry,
            _traceback(error),
        )
    return Fail(
        job,
        FaaError.kind,
        f"Unexpected {type(error).__name__}: {text}",
        "This is a fault of the program; the traceback in the detail says where.",
        False,
        _traceback(error),
    )


def is_out_of_memory(error: BaseException) -> bool:
    """Whether host or device had no memory left. Does not import torch: its exceptions are known by their names."""
    if isinstance(error, MemoryError | OutOfMemoryError):
        return True
    if not isinstance(error, RuntimeError):
        return False
    return type(error).__name__ == "OutOfMemoryError" or any(sign in str(error) for sign in _ALLOCATION)


def has_broken_device(error: BaseException) -> bool:
    """Whether the error leaves the CUDA context of this process unusable for good."""
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _BROKEN_CONTEXT)


def release_memory() -> None:
    """Give back what a failed job held. Call it outside the ``except`` block: inside, the traceback holds it all."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_initialized():
        torch.cuda.empty_cache()


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0] if lines else type(error).__name__)[:_TEXT]


def _traceback(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))[-_DETAIL:]
