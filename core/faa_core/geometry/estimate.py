"""The one record in which an exponent is reported: with its error, its null, its reason and its curve."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from faa_core.geometry.scaling import Floats, ScalingFit
from faa_core.records import STATUSES


@dataclass(frozen=True, eq=False)
class Estimate:
    """A scaling exponent of one matrix, or of each matrix of a batch, whose shape [...] is then in front.

    Attributes:
        value: float64 [...]: the exponent; NaN unless the status is ``ok`` or ``degenerate``.
        error: float64 [...]: its standard error; NaN where ``value`` is.
        null: float64 [...]: what even attention under the same support has, from the same fit.
        difference: float64 [...]: ``effective - null``.
        status: str [...]: names in `faa_core.records.STATUSES`.
        effective: float64 [...]: the slope of the same range even where there is no scaling; NaN where there is no fit.
        scales: float64 [scales]: box sides, radii or lags in tokens.
        regressor: float64 [scales]: abscissa of the fit.
        curve: float64 [..., scales]: ordinate of the fit; its slope on the regressor is the exponent.
        null_curve: float64 [..., scales]: the ordinate of the null, of a shape that broadcasts to that of ``curve``.
        local_slopes: float64 [..., scales - 1]: slopes between neighbouring scales.
        intercept: float64 [...]: ordinate of the fitted line at regressor 0.
        first: int16 [...]: index of the first scale of the fit.
        last: int16 [...]: index of the last scale, inclusive; -1 with ``first`` 0 where there is no fit.
    """

    value: Floats
    error: Floats
    null: Floats
    difference: Floats
    status: NDArray[np.str_]
    effective: Floats
    scales: Floats
    regressor: Floats
    curve: Floats
    null_curve: Floats
    local_slopes: Floats
    intercept: Floats
    first: NDArray[np.int16]
    last: NDArray[np.int16]


def names_of(status: NDArray[np.uint8]) -> NDArray[np.str_]:
    """The names of status codes, in the same shape."""
    return np.asarray(np.asarray(STATUSES)[status])


def estimate_of(
    fit: ScalingFit, null: Floats, scales: NDArray[np.generic], regressor: Floats, curve: Floats, null_curve: Floats
) -> Estimate:
    """The record of a fit beside its null.

    Args:
        fit: The fit on ``curve``.
        null: float64, broadcast to the shape of ``fit.value``.
        scales: [scales] in tokens.
        regressor: float64 [scales].
        curve: float64 [..., scales].
        null_curve: float64 [..., scales] of a shape that broadcasts to ``curve``.
    """
    null = np.broadcast_to(null, fit.value.shape).astype(np.float64)
    return Estimate(
        value=fit.value,
        error=fit.error,
        null=null,
        difference=fit.effective - null,
        status=names_of(fit.status),
        effective=fit.effective,
        scales=np.asarray(scales, dtype=np.float64),
        regressor=regressor,
        curve=curve,
        null_curve=null_curve,
        local_slopes=fit.local_slopes,
        intercept=fit.intercept,
        first=fit.first,
        last=fit.last,
    )
