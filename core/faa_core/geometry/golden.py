"""The golden-ratio transforms of the package fractal-attention-analysis 1.0.0, on batches of matrices.

They are definitions, kept so that scripts go on working. No result is known to which they would lead: none of them
has a null, and no paper derives a weight from the golden ratio.
"""

from __future__ import annotations

import torch

from faa_core.geometry.matrices import Array, tensor_of

PHI = (1 + 5**0.5) / 2
"""The golden ratio, 1.618."""


def golden_partition(x: Array, phi: float = PHI) -> tuple[torch.Tensor, torch.Tensor]:
    """The two blocks on the diagonal that meet at k = floor(n / phi).

    Args:
        x: [..., n, m], tensor or array.
        phi: The ratio, above 0.

    Returns:
        Views [..., :k, :k] and [..., k:, k:]; one of them may be empty.
    """
    x = tensor_of(x)
    corner = int(x.shape[-2] / _ratio(phi))
    return x[..., :corner, :corner], x[..., corner:, corner:]


def golden_interpolation(x: Array, scale_factor: float = 0.5, phi: float = PHI) -> torch.Tensor:
    """Every row mixed with the row before it, the first with the last.

    With y = x / phi, w1 = s / phi and w2 = s (1 - 1 / phi), row i of the result is w1 y_i + w2 y_(i-1).

    Args:
        x: [..., n, m], tensor or array.
        scale_factor: s.
        phi: The ratio, above 0.

    Returns:
        [..., n, m] of the dtype of ``x``, where ``x`` is. A row sum of 1 becomes s / phi.
    """
    inverse = 1 / _ratio(phi)
    scaled = tensor_of(x) * inverse
    return scale_factor * inverse * scaled + scale_factor * (1 - inverse) * scaled.roll(1, dims=-2)


def golden_scales(x: Array, num_scales: int = 5, phi: float = PHI) -> list[tuple[float, torch.Tensor]]:
    """`golden_interpolation` with the scale factors phi^-i.

    Args:
        x: [..., n, m], tensor or array.
        num_scales: How many, from i = 0.
        phi: The ratio, above 0.

    Returns:
        Pairs of phi^i and [..., n, m].
    """
    scales = [_ratio(phi) ** i for i in range(num_scales)]
    return [(scale, golden_interpolation(x, 1 / scale, phi)) for scale in scales]


def golden_scoring(x: Array, phi: float = PHI) -> torch.Tensor:
    """Rows weighted by g_i = phi^(-i / n), normalised to sum 1.

    Args:
        x: [..., n, m], tensor or array.
        phi: The ratio, above 0.

    Returns:
        float64 [..., n, m], where ``x`` is; rows that sum to 1 make a total of 1.
    """
    x = tensor_of(x)
    n = x.shape[-2]
    weights = _ratio(phi) ** (-torch.arange(n, dtype=torch.float64, device=x.device) / n)
    return x.to(torch.float64) * (weights / weights.sum())[:, None]


def _ratio(phi: float) -> float:
    if not phi > 0:
        raise ValueError(f"The ratio phi must be above 0, not {phi:g}.")
    return phi
