"""What a comparison says: frozen structs over NumPy arrays, as everything in `faa_core.records`."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.records import MapKind, ModelInfo

SCHEMA = "faa.comparison/1"
"""Name and major version of the JSON shape."""

Method = Literal["index", "divergence", "hand"]


class Head(msgspec.Struct, frozen=True, array_like=True, order=True):
    """One head of one model."""

    kind: MapKind
    layer: int
    head: int


class HeadPair(msgspec.Struct, frozen=True):
    """A head of the first model and the head of the other one that it is compared with.

    Attributes:
        a: Head of the first model.
        b: Head of the other model.
        cost: Jensen-Shannon divergence of the two in nats, mean over sketched rows and texts; NaN where no sketch is.
        method: ``index``: the same place in two models of the same shape; ``divergence``: the assignment with the
            least sum of costs; ``hand``: chosen by the user.
    """

    a: Head
    b: Head
    cost: float
    method: Method


class Matching(msgspec.Struct, frozen=True):
    """Which heads are compared.

    Attributes:
        pairs: In the order of the heads of the first model.
        alone_a: Heads of the first model without a partner.
        alone_b: Heads of the other model without a partner.
        layers: Pairs (kind, layer of the first model, layer of the other one) within which heads were matched.
    """

    pairs: tuple[HeadPair, ...]
    alone_a: tuple[Head, ...]
    alone_b: tuple[Head, ...]
    layers: tuple[tuple[MapKind, int, int], ...]


class Side(msgspec.Struct, frozen=True):
    """One of the models.

    Attributes:
        reference: As it was asked for, host included.
        host: Name that the machine gives itself.
        model: The model.
        tokens: Number of tokens of each text.
    """

    reference: str
    host: str
    model: ModelInfo
    tokens: tuple[int, ...]


class Differences(msgspec.Struct, frozen=True, eq=False):
    """Every statistic of every pair of heads. All arrays are [statistics, pairs], float64 but the last.

    Of dimensions the effective slopes are taken, as in means over texts. A text counts where both heads define the
    statistic.

    Attributes:
        names: Keys of `faa_core.catalogue`.
        a: Mean of the first model's values.
        b: Mean of the other model's values.
        difference: Mean over texts of the difference of the excesses, other minus first: each value beside the null
            that its own mask and length have. The same as ``b - a`` where both have the same tokens.
        error: Standard error of ``difference`` over texts; NaN for one text.
        low: Lower end of its 95 % interval, from drawing texts; NaN for one text.
        high: Upper end.
        p: Two-sided p-value of the sign-flip permutation test over texts; NaN where there is none.
        q: Smallest false discovery rate, over all pairs of the statistic, at which ``p`` is a discovery.
        effect: Mean difference over its standard deviation over texts (d_z), with Hedges' correction; NaN for one
            text.
        used: int32: texts that count.
    """

    names: tuple[str, ...]
    a: NDArray[np.float64]
    b: NDArray[np.float64]
    difference: NDArray[np.float64]
    error: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    p: NDArray[np.float64]
    q: NDArray[np.float64]
    effect: NDArray[np.float64]
    used: NDArray[np.int32]

    def row(self, name: str) -> int:
        """Index of the statistic ``name``.

        Raises:
            ValueError: It was not measured on both sides.
        """
        return self.names.index(name)


class Comparison(msgspec.Struct, frozen=True, eq=False):
    """Two models on the same texts.

    Attributes:
        a: The first model.
        b: The other one.
        aligned: ``tokens`` where both have the same tokens on every text, ``segments`` where their tokens were joined
            to common segments.
        segments: Number of common tokens or segments of each text.
        matching: Which heads are compared.
        differences: Every statistic of every pair.
        divergence: float64 [pairs]: Jensen-Shannon divergence in nats, 0 to ln 2, mean over texts; NaN without sketch.
        divergence_low: float64 [pairs]: lower end of its 95 % interval over texts; NaN for one text.
        divergence_high: float64 [pairs]: upper end.
        labels_a: For each pair the label of the first head, the most frequent over texts.
        labels_b: The same of the other head.
        warnings: Where the two sides differ in ways that may cause a difference by themselves: versions, number
            format, attention implementation, device.
        notes: What the reader should know, for example why there is no p-value.
        seed: Where random draws began.
    """

    a: Side
    b: Side
    aligned: Literal["tokens", "segments"]
    segments: tuple[int, ...]
    matching: Matching
    differences: Differences
    divergence: NDArray[np.float64]
    divergence_low: NDArray[np.float64]
    divergence_high: NDArray[np.float64]
    labels_a: tuple[str, ...]
    labels_b: tuple[str, ...]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]
    seed: int

    def to_frame(self) -> Any:
        """pandas.DataFrame with a row for each pair and statistic; see `faa_core.tables.frame_of_comparison`.

        Raises:
            UsageError: pandas is not installed.
        """
        from faa_core.tables import frame_of_comparison

        return frame_of_comparison(self)

    def _repr_html_(self) -> str:
        from faa_core.tables import html_of_comparison

        return html_of_comparison(self)
