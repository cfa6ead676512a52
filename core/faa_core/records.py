"""Result types: frozen structs over NumPy arrays, the same in every process and in every file.

This module knows neither torch nor the screen. Undefined numbers are NaN, and a status beside them says why.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

CORNER = 10
"""First positions of a text whose attention is compared between texts (Vig and Belinkov 2019)."""

MapKind = Literal["encoder", "decoder", "cross"]
"""Which maps a layer owns: encoder self-attention, decoder self-attention, or cross-attention.

A decoder-only model has ``decoder`` maps only, an encoder such as BERT ``encoder`` maps only.
"""

Pattern = Literal["causal", "bidirectional", "sliding", "chunked", "cross", "other", "none"]
"""Which keys a row may see; ``none`` where the layer has no attention map at all (for example linear attention)."""

STATUSES: tuple[str, ...] = (
    "ok",
    "no_scaling",
    "too_few_scales",
    "empty",
    "degenerate",
    "white",
    "smooth",
    "underflow",
    "non_monotone",
    "negative_q_undefined",
    "non_finite",
    "not_row_stochastic",
    "no_rows",
    "not_measured",
)
"""Every reason why a number is, or is not, defined. Arrays of statuses hold indices into this tuple."""

STATUS_MEANING: dict[str, str] = {
    "ok": "The number is defined and the data bear it out.",
    "no_scaling": "The local slopes differ too much for one power law; only an effective slope is given.",
    "too_few_scales": "Fewer than four box sizes fit, or they span less than a factor of eight.",
    "empty": "No entry is above the threshold.",
    "degenerate": "There is a single cell, or nothing varies.",
    "white": "The surface is as rough as independent noise.",
    "smooth": "The surface is smoother than any fractal one.",
    "underflow": "More than half of the entries lie on the numeric floor.",
    "non_monotone": "The spectrum rises with q, which no measure does; the scales are too few or too short.",
    "negative_q_undefined": "Some boxes are too light for a negative exponent.",
    "non_finite": "The attention holds NaN or infinity.",
    "not_row_stochastic": "Rows do not sum to one, or weights are negative.",
    "no_rows": "No row of the map has what this number needs.",
    "not_measured": "This number was not asked for.",
}


def status_code(name: str) -> int:
    """Index of the status ``name`` in `STATUSES`."""
    return STATUSES.index(name)


class LayerInfo(msgspec.Struct, frozen=True):
    """One layer's attention: what it is, before anything is measured.

    Attributes:
        kind: Encoder self-, decoder self- or cross-attention.
        layer: Index of the layer within its kind, from 0.
        heads: Number of query heads; 0 where there is no map.
        pattern: Which keys a row may see.
        window: Width of a sliding window or chunk in tokens, where there is one.
        learned_sink: Whether rows sum to less than one because a learned sink takes part of the mass.
        note: Why there is no map, or what is unusual about it; empty when there is nothing to say.
    """

    kind: MapKind
    layer: int
    heads: int
    pattern: Pattern
    window: int | None = None
    learned_sink: bool = False
    note: str = ""

    @property
    def name(self) -> str:
        """Short name for the screen: ``3``, ``e3`` or ``x3``."""
        return {"decoder": "", "encoder": "e", "cross": "x"}[self.kind] + str(self.layer)


class ModelInfo(msgspec.Struct, frozen=True):
    """A loaded model: all that is needed to say which one produced a number.

    Attributes:
        reference: The reference as it was asked for.
        architecture: Class name, for example ``LlamaForCausalLM``; ``array`` for a file of attention.
        revision: Commit of the hub, digest of the weights, or the fixed seed (``init seed 0``).
        device: For example ``cpu`` or ``cuda:0``; of a model that is spread, all of them, ``cuda:0+cuda:1+cpu``.
        dtype: For example ``float32``.
        attention: Attention implementation that the model was loaded with, for example ``sdpa``.
        route: How maps are obtained: ``interface``, ``hooks`` or ``file``.
        parameters: Number of parameters.
        context: Longest text in tokens, where the configuration gives one.
        tokenizer_hash: First 16 hexadecimal digits of the SHA-256 of the serialised tokenizer, or "".
        layers: Every attention layer, in the order of the forward pass.
        versions: Package name to version, for faa, python, torch, transformers and numpy.
    """

    reference: str
    architecture: str
    revision: str
    device: str
    dtype: str
    attention: str
    route: str
    parameters: int
    context: int | None
    tokenizer_hash: str
    layers: tuple[LayerInfo, ...]
    versions: dict[str, str]


class Tokens(msgspec.Struct, frozen=True):
    """A tokenised text.

    Attributes:
        ids: Token ids; empty for a file of attention.
        pieces: What each token stands for in the text, control characters still in place: escape before printing.
        offsets: Start and end of each token in the text, in characters; (0, 0) for special tokens.
        special: Whether the tokenizer added the token.
    """

    ids: tuple[int, ...]
    pieces: tuple[str, ...]
    offsets: tuple[tuple[int, int], ...]
    special: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.pieces)


class Label(msgspec.Struct, frozen=True, array_like=True):
    """Which textbook pattern a head matches best, with the evidence.

    Attributes:
        name: For example ``previous token``; ``mixed`` where no rule holds.
        statistic: Key of the statistic that decided.
        score: Its value.
        threshold: What it had to exceed.
        runner_up: Next best rule, or "".
        runner_up_score: Its statistic; NaN where there is none.
        without_first: Whether ``score`` and ``threshold`` leave the first token out, as `LayerResult.without_first`
            does.
    """

    name: str
    statistic: str
    score: float
    threshold: float
    runner_up: str = ""
    runner_up_score: float = float("nan")
    without_first: bool = False


class Statistics(msgspec.Struct, frozen=True, eq=False):
    """Every statistic of every head of one layer, column by column.

    Attributes:
        names: Keys of `faa_core.catalogue`, one for each row of the arrays.
        value: float64 [statistics, heads]; NaN where undefined.
        null: float64 [statistics, heads]: the value that attention uniform over the visible keys has.
        error: float64 [statistics, heads]: standard error; NaN where there is none.
        status: uint8 [statistics, heads]: indices into `STATUSES`.
    """

    names: tuple[str, ...]
    value: NDArray[np.float64]
    null: NDArray[np.float64]
    error: NDArray[np.float64]
    status: NDArray[np.uint8]

    def row(self, name: str) -> int:
        """Index of the statistic ``name``.

        Raises:
            ValueError: It was not measured.
        """
        return self.names.index(name)

    @property
    def excess(self) -> NDArray[np.float64]:
        """float64 [statistics, heads]: value minus null."""
        return self.value - self.null


def _no_statistics() -> Statistics:
    nothing = np.zeros((0, 0))
    return Statistics((), nothing, nothing, nothing, nothing.astype(np.uint8))


class BoxCounts(msgspec.Struct, frozen=True, eq=False):
    """Box counts of the lift of every head of one layer, and the fits on them.

    The set is lift > 1: the keys that get more than an even share. Sizes are in tokens.

    Attributes:
        sizes: int64 [scales]: box sides, 1, 2, 4, ...
        regressor: float64 [scales]: ln ceil(n / s), the abscissa of the fit.
        counts: int64 [heads, scales]: boxes that hold a cell of the set.
        null_counts: int64 [scales]: boxes that hold a visible cell.
        first: int16 [heads]: index of the first size used by the fit.
        last: int16 [heads]: index of the last size used, inclusive; -1 with ``first`` 0 where there is no fit.
        intercept: float64 [heads]: fitted ln N at regressor 0; NaN where there is no fit.
        effective: float64 [heads]: slope of the fit even where the status is ``no_scaling``.
        thresholds: float64 [thresholds]: lifts at which the dimension was also taken.
        dimensions: float64 [heads, thresholds]: effective slope at each of them; NaN where undefined.
    """

    sizes: NDArray[np.int64]
    regressor: NDArray[np.float64]
    counts: NDArray[np.int64]
    null_counts: NDArray[np.int64]
    first: NDArray[np.int16]
    last: NDArray[np.int16]
    intercept: NDArray[np.float64]
    effective: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    dimensions: NDArray[np.float64]


class RenyiSpectrum(msgspec.Struct, frozen=True, eq=False):
    """Renyi dimensions of the unfolded maps of one layer. Even attention has 2 at every order.

    Attributes:
        q: float64 [qs]: orders, ascending, infinity last.
        boxes: int64 [scales]: boxes along a side of each grid, the finest first.
        curves: float64 [heads, qs, scales]: ordinates whose slope on ln boxes is D_q.
        effective: float64 [heads, qs]: that slope, even where the status is ``no_scaling``; NaN where there is no fit.
        error: float64 [heads, qs]: standard error of D_q; NaN unless the status is ``ok``.
        status: uint8 [heads, qs]: indices into `STATUSES`.
    """

    q: NDArray[np.float64]
    boxes: NDArray[np.int64]
    curves: NDArray[np.float64]
    effective: NDArray[np.float64]
    error: NDArray[np.float64]
    status: NDArray[np.uint8]


DIMENSION_ORDERS: dict[str, float] = {"D1": 1.0, "D2": 2.0, "D_inf": float("inf")}
"""Statistics that are entries of the `RenyiSpectrum`, with their orders."""


class DistanceProfile(msgspec.Struct, frozen=True, eq=False):
    """Mean attention of every head of one layer by the distance |j - i| of query i and key j, in bins that double.

    Attributes:
        start: int32 [bins]: least distance of each bin in tokens: 0, 1, 2, 4, 8, ...; a bin ends where the next begins.
        mean: float32 [heads, bins]: mean weight over the pairs of a query and a visible key; NaN where there are none.
        null: float32 [bins]: what attention uniform over the visible keys has.
    """

    start: NDArray[np.int32]
    mean: NDArray[np.float32]
    null: NDArray[np.float32]


class LayerResult(msgspec.Struct, frozen=True, eq=False):
    """All that was measured on one layer of one text.

    Numbers that are taken from weights are rounded to float32, whose precision the weights have.

    Attributes:
        info: Which layer.
        queries: Number of rows of each map.
        keys: Number of columns of each map.
        first_key: int32 [queries]: first key that each row may see.
        stop_key: int32 [queries]: one past the last key that each row may see.
        statistics: Statistics of every head.
        labels: One for each head.
        boxes: Box counts of every head.
        without_first: The statistics that are defined without key 0, from the rows without it, each renormalised; rows
            with less than .05 left do not count. The null is even attention that was treated likewise.
        spectrum: Renyi dimensions of every head.
        corner: float16 [heads, n, n]: weights among the first n = `CORNER` positions, fewer in a shorter map, by which
            attention is compared between texts; ``None`` in cross-attention.
        distance: Mean attention by distance; ``None`` in cross-attention, and in runs kept before it was measured.
    """

    info: LayerInfo
    queries: int
    keys: int
    first_key: NDArray[np.int32]
    stop_key: NDArray[np.int32]
    statistics: Statistics
    labels: tuple[Label, ...]
    boxes: BoxCounts
    without_first: Statistics = msgspec.field(default_factory=_no_statistics)
    spectrum: RenyiSpectrum | None = None
    corner: NDArray[np.float16] | None = None
    distance: DistanceProfile | None = None

    @property
    def effective(self) -> NDArray[np.float64]:
        """float64 [statistics, heads]: the values, with the effective slope for dimensions."""
        value = self.statistics.value.copy()
        for row, name in enumerate(self.statistics.names):
            if name == "D0":
                value[row] = self.boxes.effective
            elif self.spectrum is not None and name in DIMENSION_ORDERS:
                value[row] = self.spectrum.effective[:, self.spectrum.q.tolist().index(DIMENSION_ORDERS[name])]
        return value


class LayerSketch(msgspec.Struct, frozen=True, eq=False):
    """A few rows of every head of one layer: the heaviest keys of each one by one, the rest as one sum.

    Keys are tokens, or segments where the run was aligned with another model's.

    Attributes:
        info: Which layer.
        rows: int32 [rows]: queries.
        first: int32 [rows]: first key that each row may see.
        stop: int32 [rows]: one past the last key that each row may see.
        keys: uint16 [heads, rows, top]: the heaviest keys, the heaviest first; where a row has fewer, repeats of its
            last with weight 0.
        weights: float16 [heads, rows, top]: their weights.
        mass: float16 [heads, rows]: weight of all keys together: less than 1 where a learned sink, or keys that are
            set aside, take a part.
    """

    info: LayerInfo
    rows: NDArray[np.int32]
    first: NDArray[np.int32]
    stop: NDArray[np.int32]
    keys: NDArray[np.uint16]
    weights: NDArray[np.float16]
    mass: NDArray[np.float16]


class Analysis(msgspec.Struct, frozen=True, eq=False):
    """One run: one model on one text, all layers and heads.

    Attributes:
        model: The model.
        text: The text as given.
        tokens: Its tokens; the queries and keys of ``encoder`` and ``decoder`` maps, the keys of ``cross`` maps.
        decoder_tokens: In an encoder-decoder, the queries of ``decoder`` and ``cross`` maps and the keys of
            ``decoder`` maps; ``None`` otherwise.
        truncated_from: Number of tokens before truncation, where the text was cut on request.
        layers: One result for each layer that has maps.
        seconds: Wall time of the run in the worker, without loading.
        notes: What the reader should know, for example layers without maps.
    """

    model: ModelInfo
    text: str
    tokens: Tokens
    decoder_tokens: Tokens | None
    truncated_from: int | None
    layers: tuple[LayerResult, ...]
    seconds: float
    notes: tuple[str, ...] = ()

    def queries_of(self, kind: MapKind) -> Tokens:
        """Tokens on the rows of maps of ``kind``."""
        return self.tokens if kind == "encoder" or self.decoder_tokens is None else self.decoder_tokens

    def keys_of(self, kind: MapKind) -> Tokens:
        """Tokens on the columns of maps of ``kind``."""
        return self.tokens if kind != "decoder" or self.decoder_tokens is None else self.decoder_tokens

    def to_frame(self) -> Any:
        """pandas.DataFrame with a row for each head; see `faa_core.tables.frame_of_analysis`.

        Raises:
            UsageError: pandas is not installed.
        """
        from faa_core.tables import frame_of_analysis

        return frame_of_analysis(self)

    def _repr_html_(self) -> str:
        from faa_core.tables import html_of_analysis

        return html_of_analysis(self)
