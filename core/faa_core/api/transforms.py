"""`FractalTransforms` of 1.0.0: a dimension that knows the mask, and the golden-ratio transforms as they were.

The transforms are definitions and give what they gave. The fractal dimension and the self-similarity are corrected.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import torch

from faa_core.api.matrix import Matrix, Method, finite_matrix_of, is_reference, matrix_of, visible_support
from faa_core.geometry import reference_1_0 as reference
from faa_core.geometry.box_counting import box_dimension
from faa_core.geometry.golden import PHI, golden_interpolation, golden_partition, golden_scales, golden_scoring
from faa_core.geometry.matrices import Array, SupportLike, matrices_of
from faa_core.geometry.scaling import (
    MINIMUM_SIZES,
    MINIMUM_SPAN,
    fit_line,
    log_counts,
    size_regressor,
    systematic_error,
)
from faa_core.geometry.self_similarity import self_similarity


class FractalTransforms:
    """Dimension, self-similarity and golden-ratio transforms of one attention matrix.

    Every method takes a matrix [n, m], NumPy array or torch tensor on any device, and returns NumPy arrays or floats.

    Args:
        phi: Ratio of the golden transforms; the golden ratio by default.

    Attributes:
        phi: The ratio.
        phi_inv: 1 / phi.

    Raises:
        ValueError: ``phi`` is not above 0.
    """

    PHI = PHI
    """The golden ratio."""
    D_SIERPINSKI = math.log(3) / math.log(2)
    """Dimension of the Sierpinski triangle, 1.585."""
    D_KOCH = math.log(4) / math.log(3)
    """Dimension of the Koch curve, 1.262."""
    D_DRAGON = 2.0
    """Dimension of the Heighway dragon."""
    D_NEURAL = reference.CONSTANT
    """phi^2 / 2 = 1.309; no dimension of anything, but what 1.0.0 returned where it had none."""

    def __init__(self, phi: float | None = None) -> None:
        self.phi = PHI if phi is None else phi
        if not self.phi > 0:
            raise ValueError(f"The ratio phi must be above 0, not {self.phi:g}.")
        self.phi_inv = 1 / self.phi

    def golden_ratio_partition(self, attention_matrix: Array) -> tuple[Matrix, Matrix]:
        """The two blocks on the diagonal that meet at k = floor(n / phi): a[:k, :k] and a[k:, k:].

        Raises:
            ValueError: It is no matrix.
        """
        first, second = golden_partition(matrix_of(attention_matrix, "attention_matrix"), self.phi)
        return first.numpy(), second.numpy()

    def fractal_interpolation_function(self, attention_weights: Array, scale_factor: float = 0.5) -> Matrix:
        """Every row mixed with the row before it; see `faa_core.geometry.golden.golden_interpolation`.

        Raises:
            ValueError: It is no matrix.
        """
        a = matrix_of(attention_weights, "attention_weights")
        return golden_interpolation(a, scale_factor, self.phi).numpy()

    def compute_fractal_dimension(
        self,
        attention_matrix: Array,
        scales: Sequence[int] | None = None,
        support: SupportLike | None = None,
        method: Method = "corrected",
    ) -> float:
        """Box-counting dimension of the entries that get more than an even share of their row.

        `faa_core.geometry.box_dimension` gives the same number with its error, its null, its curve and the reason why
        it is undefined. A causal head must be read beside that null: at no length has the bare mask quite 2.

        Args:
            attention_matrix: [n, m] finite weights of at least 0.
            scales: Box sides in tokens, at most the shorter side of the matrix; by default the dyadic ones from 2 to a
                quarter of it. Sizes with as many boxes along the sides as a smaller one count as that one.
            support: Keys that each row may see; by default ``causal`` where nothing lies above the diagonal of a square
                matrix, else ``full``.
            method: ``faa-1.0.0`` for the slope that 1.0.0 gave, with ``support`` unused.

        Returns:
            The dimension. NaN where it is undefined: fewer than four sizes or a span below a factor of eight, local
            slopes that agree on no power law, or no entry above an even share.

        Raises:
            ValueError: It is no matrix, has bad weights or weight outside of ``support``, or ``scales`` are no sides
                of its boxes.
        """
        if is_reference(method):
            sizes = reference.SIZES if scales is None else scales
            return reference.fractal_dimension(matrix_of(attention_matrix, "attention_matrix"), sizes)
        a = finite_matrix_of(attention_matrix, "attention_matrix")
        visible = visible_support(a) if support is None else support
        if scales is None:
            return float(box_dimension(a, visible).value)
        return _dimension_over(a, visible, scales)

    def multi_scale_analysis(self, attention_matrix: Array, num_scales: int = 5) -> list[tuple[float, Matrix]]:
        """Pairs of phi^i and the interpolation with the scale factor phi^-i, for i = 0 to ``num_scales`` - 1.

        Raises:
            ValueError: It is no matrix.
        """
        a = matrix_of(attention_matrix, "attention_matrix")
        return [(scale, mixed.numpy()) for scale, mixed in golden_scales(a, num_scales, self.phi)]

    def compute_self_similarity(
        self,
        attention_matrix: Array,
        scale_factor: int = 2,
        support: SupportLike | None = None,
        method: Method = "corrected",
    ) -> float:
        """Correlation of the lift with its own coarse-grained version, laid over the corner of its size.

        See `faa_core.geometry.self_similarity.self_similarity`. Shuffled rows have 0, a self-similar set 1.

        Args:
            attention_matrix: [n, m] finite weights of at least 0; it need not be square.
            scale_factor: How much smaller the copy is, at least 2.
            support: As in `compute_fractal_dimension`.
            method: ``faa-1.0.0`` for the correlation of the matrix with itself, which is 1.

        Returns:
            -1 to 1; NaN where nothing varies (even attention), or fewer than two entries can be compared.

        Raises:
            ValueError: It is no matrix, has bad weights or weight outside of ``support``, or the factor is too small.
        """
        if is_reference(method):
            return reference.self_similarity(matrix_of(attention_matrix, "attention_matrix"), scale_factor)
        a = finite_matrix_of(attention_matrix, "attention_matrix")
        return float(self_similarity(a, visible_support(a) if support is None else support, scale_factor).value)

    def golden_ratio_scoring(self, attention_weights: Array) -> Matrix:
        """float64 [n, m]: row i times phi^(-i / n), the factors normalised to sum 1.

        Raises:
            ValueError: It is no matrix.
        """
        return golden_scoring(matrix_of(attention_weights, "attention_weights"), self.phi).numpy()


def _dimension_over(a: Matrix, support: SupportLike, scales: Sequence[int]) -> float:
    """The dimension of lift > 1 over box sides of the caller's choice; NaN where undefined."""
    n, m = a.shape
    bad = [scale for scale in scales if not 1 <= scale <= min(n, m)]
    if bad:
        raise ValueError(f"Boxes of a {n} x {m} matrix have sides 1 to {min(n, m)}, not {bad[0]}.")
    sides = np.array(sorted(set(scales)), dtype=np.int64)
    regressor, kept = np.unique(-size_regressor(sides, n, m), return_index=True)
    sides, regressor = sides[kept], -regressor
    if len(sides) < MINIMUM_SIZES or sides[-1] < MINIMUM_SPAN * sides[0]:
        return math.nan
    above = (matrices_of(a, support).lift > 1).to(torch.float32)
    boxes = [torch.max_pool2d(above, int(side), ceil_mode=True).sum() for side in sides]
    counts = np.array([int(count) for count in boxes], dtype=np.int64)
    if not counts.all():
        return math.nan
    fit = fit_line(regressor, log_counts(counts), 0, len(sides) - 1, systematic_error(min(n, m)))
    return float(fit.value)
