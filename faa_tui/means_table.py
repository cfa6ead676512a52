"""Means over texts in the shape of a run's numbers, for the table of all heads."""

from __future__ import annotations

import numpy as np

from faa_core.records import BoxCounts, Label, LayerResult, Statistics, status_code
from faa_core.replication import LayerReplication


def numbers_of(means: LayerReplication) -> LayerResult:
    """The numbers of one layer: mean, mean of the nulls, standard error over texts, most frequent label.

    There is no map and no box count in it: those belong to single texts.
    """
    nothing = np.zeros(0, np.int32)
    heads = means.info.heads
    dimension = means.mean[means.names.index("D0")] if "D0" in means.names else np.full(heads, np.nan)
    status = np.where(np.isfinite(means.mean), status_code("ok"), status_code("not_measured")).astype(np.uint8)
    return LayerResult(
        info=means.info,
        queries=0,
        keys=0,
        first_key=nothing,
        stop_key=nothing,
        statistics=Statistics(means.names, means.mean, means.mean - means.excess, means.error, status),
        labels=tuple(Label(labels[0][0], "", float("nan"), float("nan")) for labels in means.labels),
        boxes=BoxCounts(
            sizes=np.zeros(0, np.int64),
            regressor=np.zeros(0),
            counts=np.zeros((heads, 0), np.int64),
            null_counts=np.zeros(0, np.int64),
            first=np.zeros(heads, np.int16),
            last=np.full(heads, -1, np.int16),
            intercept=np.full(heads, np.nan),
            effective=dimension,
            thresholds=np.zeros(0),
            dimensions=np.zeros((heads, 0)),
        ),
    )
