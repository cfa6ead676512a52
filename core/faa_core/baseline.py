"""A model at random initialisation as the null of a whole run: same tokens, same mask, nothing learned.

The heads of one layer of an untrained model are draws from one distribution, so a layer's heads together give the
mean and the spread that a trained head is compared with. NumPy only.
"""

from __future__ import annotations

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.errors import UsageError
from faa_core.records import Analysis, LayerResult


class LayerBaseline(msgspec.Struct, frozen=True, eq=False):
    """What the untrained heads of one layer have.

    Attributes:
        names: Keys of `faa_core.catalogue`.
        mean: float64 [statistics]: mean over the heads; NaN where none is defined. Of dimensions it is the effective
            slope, as in ``value``.
        sd: float64 [statistics]: standard deviation over the heads; NaN for fewer than two.
        value: float64 [statistics, heads]: what the heads of the model itself have; effective slopes for dimensions.
        z: float64 [statistics, heads]: (value - mean) / sd, an effect size and no test: the heads are few, and an
            untrained model's spread is that of one seed. NaN where the spread is 0.
    """

    names: tuple[str, ...]
    mean: NDArray[np.float64]
    sd: NDArray[np.float64]
    value: NDArray[np.float64]
    z: NDArray[np.float64]

    @property
    def difference(self) -> NDArray[np.float64]:
        """float64 [statistics, heads]: value minus the mean of the untrained heads."""
        return self.value - self.mean[:, None]


def against_init(trained: Analysis, init: Analysis) -> tuple[LayerBaseline, ...]:
    """Each layer of a run beside the same layer of the untrained model on the same text.

    Args:
        trained: The run.
        init: The run of ``model@init`` on the same text.

    Raises:
        UsageError: The two runs have different tokens or layers.
    """
    if trained.tokens.ids != init.tokens.ids or len(trained.layers) != len(init.layers):
        raise UsageError(
            f"{init.model.reference} is no null for {trained.model.reference}: tokens or layers differ.",
            "Run both on the same text, with the same tokenizer.",
        )
    return tuple(_layer(*pair) for pair in zip(trained.layers, init.layers, strict=True))


def _layer(trained: LayerResult, init: LayerResult) -> LayerBaseline:
    value, random = _slopes(trained), _slopes(init)
    defined = np.isfinite(random)
    heads = defined.sum(1)
    filled = np.where(defined, random, 0.0)
    mean = np.divide(filled.sum(1), heads, out=np.full(len(heads), np.nan), where=heads > 0)
    square = (np.where(defined, random - mean[:, None], 0.0) ** 2).sum(1)
    sd = np.sqrt(np.divide(square, heads - 1, out=np.full(len(heads), np.nan), where=heads > 1))
    z = np.divide(value - mean[:, None], sd[:, None], out=np.full(value.shape, np.nan), where=sd[:, None] > 0)
    return LayerBaseline(trained.statistics.names, mean, sd, value, z)


def _slopes(result: LayerResult) -> NDArray[np.float64]:
    """Values of all statistics, with the effective slope where a dimension has no one power law."""
    return result.effective
