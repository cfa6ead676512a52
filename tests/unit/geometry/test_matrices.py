"""Bad input is named at the door: which matrix, row and key, and what stands there."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from faa_core.geometry import (
    Support,
    box_dimension,
    lacunarity,
    null_test,
    renyi_dimensions,
    singularity_spectrum,
    surface_dimension,
)
from faa_core.geometry.matrices import matrices_of, support_of


def test_a_batch_of_any_shape_and_kind_comes_out_flat_and_keeps_its_shape() -> None:
    x = np.ones((2, 3, 4, 5))
    matrices = matrices_of(x)
    assert tuple(matrices.weights.shape) == (6, 4, 5)
    assert matrices.lead == (2, 3)
    assert matrices.shaped(np.arange(6)).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert matrices.weights.dtype == torch.float64
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.uint8):
        assert matrices_of(torch.ones(4, 5, dtype=dtype)).weights.dtype == torch.float32
    assert matrices_of(torch.ones(4, 5, dtype=torch.int64)).weights.dtype == torch.float64


def test_lift_is_the_weight_times_the_keys_that_the_row_sees() -> None:
    support = Support.causal(3)
    lift = matrices_of(support.uniform(), support).lift[0]
    torch.testing.assert_close(lift, torch.ones(3, 3).tril())


def test_a_negative_weight_is_named() -> None:
    x = np.ones((2, 4, 4))
    x[1, 2, 3] = -0.25
    with pytest.raises(ValueError, match=r"matrix 1, row 2, key 3 holds -0\.25"):
        matrices_of(x)


def test_weight_outside_of_the_support_is_named() -> None:
    x = np.tril(np.ones((4, 4))) / np.arange(1, 5)[:, None]
    x[1, 3] = 0.5
    with pytest.raises(ValueError, match=r"Row 1 of matrix 0 has weight 0\.5 outside of its support, keys 0 to 1"):
        matrices_of(x, "causal")
    # What rounding to half precision leaves there is dropped.
    x[1, 3] = 1e-5
    assert float(matrices_of(x, "causal").weights[0, 1, 3]) == 0


def test_matrices_that_hold_no_numbers_are_set_apart() -> None:
    x = np.ones((3, 4, 4))
    x[0, 1, 1], x[2, 0, 0] = np.nan, np.inf
    matrices = matrices_of(x)
    assert matrices.finite.tolist() == [False, True, False]
    assert torch.isfinite(matrices.weights).all()


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.ones(4), r"not \(4,\)"),
        (np.ones((3, 0, 4)), r"not \(3, 0, 4\)"),
        (np.ones((4, 4), complex), "real, not complex"),
    ],
)
def test_what_is_no_batch_of_matrices_is_refused(x: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        matrices_of(x)


def test_supports_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="The support is 5 x 5, the matrices are 4 x 4"):
        matrices_of(np.ones((4, 4)), Support.causal(5))
    with pytest.raises(ValueError, match='not "sliding"'):
        support_of("sliding", 4, 4)  # type: ignore[arg-type]


FUNCTIONS = {
    "box_dimension": box_dimension,
    "renyi_dimensions": renyi_dimensions,
    "singularity_spectrum": singularity_spectrum,
    "lacunarity": lacunarity,
    "surface_dimension": surface_dimension,
    "null_test": lambda x, support="full": null_test(x, "D0", support=support, replicates=3),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_public_function_refuses_and_marks_alike(name: str) -> None:
    measure = FUNCTIONS[name]
    x = np.random.default_rng(0).random((2, 64, 64))
    x[1, 5, 7] = np.nan
    status = np.atleast_2d(np.asarray(measure(x).status).reshape(2, -1))
    assert (status[1] == "non_finite").all()
    assert (status[0] != "non_finite").all()
    x[1, 5, 7] = -1
    with pytest.raises(ValueError, match="matrix 1, row 5, key 7 holds -1"):
        measure(x)


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (3, 3)])
def test_matrices_too_small_have_a_status_and_no_number(name: str, shape: tuple[int, int]) -> None:
    sides = {"sides": (1,)} if name == "lacunarity" else {}
    result = FUNCTIONS[name](np.ones(shape), **sides)
    assert (np.asarray(result.status) != "ok").all()
