"""What is asked about a model or a run beyond its one pass: tests, the probe, one head at length.

Like `faa_core.records` this knows neither torch nor the screen.
"""

from __future__ import annotations

from typing import Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.records import Analysis, LayerInfo, MapKind

Surrogate = Literal["row_shuffle", "row_rotation", "logit_additive", "residual"]
"""Random attention that a head is tested against; see `faa_core.geometry.null_tests`."""

SURROGATES: tuple[Surrogate, ...] = ("row_shuffle", "row_rotation", "logit_additive", "residual")
"""Every `Surrogate`, the safest first."""

TESTED: tuple[str, ...] = ("D0", "D1", "D2", "lacunarity")
"""Statistics that can be tested, by key of `faa_core.catalogue`."""


class LayerTest(msgspec.Struct, frozen=True, eq=False):
    """One test of one statistic, on every head of one layer.

    Attributes:
        info: Which layer.
        value: float64 [heads]: the statistic.
        null_mean: float64 [heads]: its mean over the surrogates.
        null_sd: float64 [heads]: its standard deviation over them.
        z: float64 [heads]: (value - mean) / sd, an effect size.
        p: float64 [heads]: two-sided p-value, never 0; NaN where undefined.
        q: float64 [heads]: p after Benjamini-Hochberg over all heads of the run, the declared family.
        status: uint8 [heads]: indices into `faa_core.records.STATUSES`.
    """

    info: LayerInfo
    value: NDArray[np.float64]
    null_mean: NDArray[np.float64]
    null_sd: NDArray[np.float64]
    z: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]
    status: NDArray[np.uint8]


class HeadTests(msgspec.Struct, frozen=True, eq=False):
    """One statistic tested on every head of a run.

    Attributes:
        statistic: Key of the statistic.
        surrogate: What the heads were tested against.
        replicates: Surrogates for each head.
        seed: Where their random numbers began.
        layers: One test for each layer.
    """

    statistic: str
    surrogate: Surrogate
    replicates: int
    seed: int
    layers: tuple[LayerTest, ...]


class LayerProbe(msgspec.Struct, frozen=True, eq=False):
    """Scores of one layer on random sequences that are said twice.

    Attributes:
        info: Which layer.
        names: Keys of the statistics, ``induction`` and ``duplicate_token``.
        value: float64 [statistics, heads]: mean over the draws.
        error: float64 [statistics, heads]: standard error over the draws.
        null: float64 [statistics, heads]: the same for even attention.
        without_first: float64 [statistics, heads]: mean over the draws, key 0 left out and rows renormalised.
    """

    info: LayerInfo
    names: tuple[str, ...]
    value: NDArray[np.float64]
    error: NDArray[np.float64]
    null: NDArray[np.float64]
    without_first: NDArray[np.float64]


class RepeatProbe(msgspec.Struct, frozen=True, eq=False):
    """The random-repeat probe of a whole model (Olsson et al. 2022).

    Attributes:
        length: Tokens of the sequence that is said twice.
        draws: Sequences.
        seed: Where their random numbers began.
        layers: One result for each self-attention layer.
    """

    length: int
    draws: int
    seed: int
    layers: tuple[LayerProbe, ...]


class Quantity(msgspec.Struct, frozen=True):
    """One number of one head, measured on its whole map.

    Attributes:
        name: Key of `faa_core.catalogue`, with the parameter in brackets where there are several: ``lacunarity[8]``.
        value: The number; NaN where undefined.
        status: Name in `faa_core.records.STATUSES`.
        effective: The slope over the scales of the fit even where there is no scaling; ``value`` for what is no slope.
        error: Standard error of ``value``; NaN where there is none.
        null: What even attention has.
        without_first: ``effective`` with key 0 left out and rows renormalised; NaN where that was not measured.
    """

    name: str
    value: float
    status: str
    effective: float
    error: float = float("nan")
    null: float = float("nan")
    without_first: float = float("nan")

    @property
    def difference(self) -> float:
        """Effective value minus null."""
        return self.effective - self.null


class ScalingCurve(msgspec.Struct, frozen=True, eq=False):
    """What a dimension of one head was read off.

    Attributes:
        name: Key of the quantity.
        scales: float64 [scales], in tokens.
        regressor: float64 [scales].
        ordinate: float64 [scales]: its slope on the regressor is the dimension.
        null_ordinate: float64 [scales].
    """

    name: str
    scales: NDArray[np.float64]
    regressor: NDArray[np.float64]
    ordinate: NDArray[np.float64]
    null_ordinate: NDArray[np.float64]


class HeadExamination(msgspec.Struct, frozen=True, eq=False):
    """Every quantity of one head that needs its whole map.

    Attributes:
        kind: Kind of map.
        layer: Layer within its kind.
        head: Head within the layer.
        queries: Rows of the map.
        keys: Columns of the map.
        quantities: The numbers, in the order of the catalogue.
        curves: What the dimensions were read off.
        q: float64 [qs]: exponents of the spectrum.
        spectrum: float64 [qs]: effective D_q.
        alpha: float64 [qs]: singularity strength; NaN where undefined.
        f: float64 [qs]: its dimension; NaN where undefined.
        seconds: Wall time.
    """

    kind: MapKind
    layer: int
    head: int
    queries: int
    keys: int
    quantities: tuple[Quantity, ...]
    curves: tuple[ScalingCurve, ...]
    q: NDArray[np.float64]
    spectrum: NDArray[np.float64]
    alpha: NDArray[np.float64]
    f: NDArray[np.float64]
    seconds: float


class RolloutToLast(msgspec.Struct, frozen=True, eq=False):
    """Attention rollout to the last position of a stack of layers (Abnar and Zuidema 2020).

    Attributes:
        kind: Kind of the maps that were multiplied.
        value: float64 [n]: share of each input token in the last position; sums to one.
        null: float64 [n]: the same for even attention under the masks of these layers.
        status: ``ok`` or ``non_finite``.
    """

    kind: MapKind
    value: NDArray[np.float64]
    null: NDArray[np.float64]
    status: str


class Findings(msgspec.Struct, frozen=True, eq=False):
    """What was asked about a run beyond its one pass.

    Attributes:
        init: The same text through the same architecture at random initialisation.
        tests: Statistics that were tested.
        probe: The random-repeat probe.
        rollouts: Rollout to the last position, one for each stack of self-attention.
        examinations: Heads that were examined, each once.
    """

    init: Analysis | None = None
    tests: tuple[HeadTests, ...] = ()
    probe: RepeatProbe | None = None
    rollouts: tuple[RolloutToLast, ...] = ()
    examinations: tuple[HeadExamination, ...] = ()
