"""One head at length: every quantity that needs the whole map, with the first token and without."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields

import msgspec
import numpy as np
import torch

from faa_core.findings import HeadExamination, Quantity, ScalingCurve
from faa_core.geometry.box_counting import box_dimension
from faa_core.geometry.correlation import correlation_dimension
from faa_core.geometry.differential import differential_box_dimension
from faa_core.geometry.estimate import Estimate
from faa_core.geometry.lacunarity import lacunarity
from faa_core.geometry.renyi import ORDERS, RenyiDimensions, renyi_dimensions
from faa_core.geometry.spectral import spectral_slope
from faa_core.geometry.spectrum import SingularitySpectrum, singularity_spectrum
from faa_core.geometry.support import Support
from faa_core.geometry.surface import surface_dimension
from faa_core.heads.coverage import coverage
from faa_core.heads.divergence import head_divergence
from faa_core.heads.patterns import pattern_recall
from faa_core.heads.rank import ranks
from faa_core.heads.without_key import without_key
from faa_core.records import DIMENSION_ORDERS, LayerResult

SIDES = (1, 2, 4, 8, 16, 32)
"""Box sides in tokens at which lacunarity is taken."""

_NAN = float("nan")


def examine(
    result: LayerResult,
    head: int,
    weights: torch.Tensor,
    support: Support,
    layer: Iterable[tuple[int, torch.Tensor]],
    check: Callable[[], None],
) -> HeadExamination:
    """Measure one head.

    Args:
        result: What the run measured on its layer.
        head: Head within the layer.
        weights: float32 [queries, keys]: its whole map.
        support: Visible keys.
        layer: First head and whole maps [heads, queries, keys] of the layer, in groups, to compare it with.
        check: Called between quantities; may raise, to give up.
    """
    began = time.perf_counter()
    curves: list[ScalingCurve] = []
    plain: list[Quantity] = []
    spectrum, strengths = _spectra(weights, support)
    for quantity, estimate in _quantities(weights, support, spectrum, strengths):
        check()
        plain.append(quantity)
        if estimate is not None:
            curves.append(_curve(quantity.name, estimate))
    plain.append(_nearest(head, weights, support, layer, check))
    without: dict[str, float] = {}
    if weights.shape[1] > 1:
        rest = without_key(weights, support)
        for quantity, _ in _quantities(*rest, *_spectra(*rest)):
            check()
            without[quantity.name] = quantity.effective
    fill = [_NAN]  # the spectrum f(alpha) ends where q does
    return HeadExamination(
        kind=result.info.kind,
        layer=result.info.layer,
        head=head,
        queries=result.queries,
        keys=result.keys,
        quantities=tuple(
            msgspec.structs.replace(quantity, without_first=without.get(quantity.name, _NAN)) for quantity in plain
        ),
        curves=tuple(curves),
        q=np.array(ORDERS),
        spectrum=spectrum.effective,
        alpha=np.append(strengths.alpha.value, fill),
        f=np.append(strengths.f.value, fill),
        seconds=time.perf_counter() - began,
    )


def _spectra(weights: torch.Tensor, support: Support) -> tuple[RenyiDimensions, SingularitySpectrum]:
    return renyi_dimensions(weights, ORDERS, support), singularity_spectrum(weights, ORDERS[:-1], support)


def _quantities(
    weights: torch.Tensor, support: Support, spectrum: RenyiDimensions, strengths: SingularitySpectrum
) -> Iterator[tuple[Quantity, Estimate | None]]:
    """Every quantity of one map [n, m], with the estimate behind those that have a curve."""
    for name, method in (("D0", "pyramid"), ("D0_offsets", "offsets")):
        yield _estimated(name, box_dimension(weights, support, method=method))  # type: ignore[arg-type]
    for name, order in DIMENSION_ORDERS.items():
        yield _estimated(name, _order(spectrum, ORDERS.index(order)))
    yield _estimated("D2_gliding", correlation_dimension(weights, support))
    width = float(strengths.width)
    yield Quantity("alpha_width", width, str(strengths.status), width, null=0.0), None
    yield _estimated("D_surface", surface_dimension(weights, support))
    yield _estimated("D_spectral", spectral_slope(weights, support))
    yield _estimated("D_differential", differential_box_dimension(weights, support))
    sides = [side for side in SIDES if side <= min(weights.shape)]
    gaps = lacunarity(weights, support, sides)
    for index, side in enumerate(sides):
        value, error, null = (float(part[index]) for part in (gaps.value, gaps.error, gaps.null))
        yield Quantity(f"lacunarity[{side}]", value, str(gaps.status[index]), value, error, null), None
    yield from _matrix_statistics(weights, support)


def _matrix_statistics(weights: torch.Tensor, support: Support) -> Iterator[tuple[Quantity, None]]:
    order = ranks(weights, support)
    for name, value, null in (
        ("effective_rank", order.effective, order.effective_null),
        ("stable_rank", order.stable, order.stable_null),
        ("spectral_gap", order.gap, order.gap_null),
    ):
        yield _plain(name, value, null, order.status), None
    held = coverage(weights, support)
    for index, share in enumerate(held.shares):
        name = f"coverage_{round(100 * share)}"
        yield _plain(name, held.keys[..., index], held.keys_null[..., index], held.status), None
    yield _plain("gini", held.gini, held.gini_null, held.status), None
    recalled = pattern_recall(weights, support)
    for index, name in enumerate(("recall_a_shape", "recall_vertical_slash", "recall_block")):
        yield _plain(name, recalled.recall[..., index], recalled.null[..., index], recalled.status), None


def _nearest(
    head: int,
    weights: torch.Tensor,
    support: Support,
    layer: Iterable[tuple[int, torch.Tensor]],
    check: Callable[[], None],
) -> Quantity:
    """Jensen-Shannon divergence from the head of the layer that is most like this one."""
    least, null = _NAN, _NAN
    for first, maps in layer:
        check()
        found = head_divergence(weights[None], maps, support)
        others = found.value[0].copy()
        if 0 <= head - first < len(others):
            others[head - first] = np.nan
        if np.isfinite(others).any():
            least = float(np.fmin(least, np.nanmin(others)))
            null = 0.0
    return Quantity("divergence", least, "ok" if np.isfinite(least) else "no_rows", least, null=null)


def _order(spectrum: RenyiDimensions, index: int) -> Estimate:
    """One exponent of the spectrum [qs] of a single map as an estimate of its own."""
    shared = ("scales", "regressor")
    parts = {field.name: getattr(spectrum, field.name) for field in fields(Estimate)}
    return Estimate(**{name: part if name in shared else part[index] for name, part in parts.items()})


def _estimated(name: str, estimate: Estimate) -> tuple[Quantity, Estimate]:
    value, effective, error, null = (
        float(part) for part in (estimate.value, estimate.effective, estimate.error, estimate.null)
    )
    return Quantity(name, value, str(estimate.status), effective, error, null), estimate


def _plain(name: str, value: np.ndarray, null: np.ndarray, status: np.ndarray) -> Quantity:
    return Quantity(name, float(value), str(status), float(value), null=float(null))


def _curve(name: str, estimate: Estimate) -> ScalingCurve:
    null = np.broadcast_to(estimate.null_curve, estimate.curve.shape)
    return ScalingCurve(name, estimate.scales, estimate.regressor, estimate.curve, np.ascontiguousarray(null))
