from __future__ import annotations

import pytest

from faa_core import errors
from faa_core.worker import faults


def raised(error: BaseException) -> BaseException:
    try:
        raise error
    except BaseException as caught:
        return caught


def test_torch_without_memory_is_recognised_by_its_own_words() -> None:
    import torch

    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**55, dtype=torch.uint8)
    fail = faults.describe(4, caught.value)
    assert (fail.id, fail.kind, fail.retry) == (4, "out-of-memory", True)
    assert "test_faults" in fail.detail


def test_the_exception_of_cuda_is_known_without_cuda() -> None:
    import torch

    assert faults.is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB."))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (MemoryError(), "out-of-memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"), "out-of-memory"),
        (RuntimeError("NVML_SUCCESS == r INTERNAL ASSERT FAILED at CUDACachingAllocator.cpp"), "out-of-memory"),
        (errors.OutOfMemoryError("Device full."), "out-of-memory"),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), "worker"),
        (RuntimeError("CUDA error: device-side assert triggered"), "worker"),
        (errors.TextError("Too long.", "Cut it."), "text"),
        (errors.Cancelled("Stopped."), "cancelled"),
        (ValueError("can't allocate memory for the argument"), "error"),
        (RuntimeError("mat1 and mat2 shapes cannot be multiplied"), "error"),
        (SystemExit(3), "error"),
        (RecursionError(), "error"),
    ],
)
def test_kinds(error: BaseException, kind: str) -> None:
    fail = faults.describe(1, raised(error))
    assert fail.kind == kind
    assert fail.retry == errors.by_kind(kind).retry
    assert faults.has_broken_device(error) == (kind == "worker")


def test_errors_meant_for_the_user_keep_their_words_and_carry_no_traceback() -> None:
    fail = faults.describe(1, raised(errors.TextError("The text has 900 tokens.", "Use --truncate.")))
    assert (fail.text, fail.hint, fail.detail) == ("The text has 900 tokens.", "Use --truncate.", "")


def test_an_unexpected_error_is_one_line_with_a_traceback_behind_it() -> None:
    fail = faults.describe(1, raised(KeyError("first line\nsecond line")))
    assert fail.text.startswith("Unexpected KeyError: ")
    assert "\n" not in fail.text
    assert "in raised" in fail.detail


def test_endless_messages_are_cut() -> None:
    fail = faults.describe(1, raised(RuntimeError("x" * 10**6)))
    assert len(fail.text) < 3_000
    assert len(fail.detail) <= 20_000
