"""One test on every head of a run, with the false discoveries of the whole family under control."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from faa_core.errors import UsageError
from faa_core.findings import SURROGATES, TESTED, HeadTests, LayerTest
from faa_core.geometry.null_tests import NullTest, null_test
from faa_core.listener import Listener
from faa_core.maps import KeptLayer
from faa_core.models.pacing import PacedProgress
from faa_core.records import status_code
from faa_core.significance import benjamini_hochberg
from faa_core.worker.protocol import Test


def tests_of_heads(layers: Sequence[KeptLayer], job: Test, listener: Listener) -> HeadTests:
    """Test one statistic of every head against surrogates of that head.

    The family over which false discoveries are controlled is every head of the run, for this statistic and null.

    Args:
        layers: The layers of the run.
        job: Statistic, surrogate, replicates and seed.
        listener: Told how far it is; may stop it.

    Raises:
        UsageError: Statistic or surrogate are unknown, or rows can no longer be computed.
        Cancelled: The listener stopped it.
    """
    if job.statistic not in TESTED or job.surrogate not in SURROGATES:
        raise UsageError(
            f"{job.statistic} cannot be tested against {job.surrogate}.",
            f"Statistics: {', '.join(TESTED)}; surrogates: {', '.join(SURROGATES)}.",
        )
    if job.replicates < 2:
        raise UsageError(f"A test needs surrogates, and {job.replicates} are too few.", "Ask for 199.")
    total = job.replicates * sum(layer.result.info.heads for layer in layers)
    progress = PacedProgress(listener)
    tested: list[LayerTest] = []
    done = 0
    for index, layer in enumerate(layers):
        parts: list[NullTest] = []
        for first, maps in layer.groups():

            def tell(drawn: int, _: int, begun: int = done) -> None:
                progress("test", f"Testing {job.statistic}", begun + drawn, total, "surrogates")

            # Every head draws from a stream of its own, whatever group it is measured in.
            seed = int(np.random.SeedSequence((job.seed, index, first)).generate_state(1)[0])
            parts.append(null_test(maps, job.statistic, job.surrogate, layer.support, job.replicates, seed, tell))
            done += len(maps) * job.replicates
        tested.append(_joined(layer, parts))
    family = benjamini_hochberg(np.concatenate([test.p for test in tested]))
    cuts = np.cumsum([len(test.p) for test in tested])[:-1]
    layers_ = tuple(msgspec.structs.replace(test, q=q) for test, q in zip(tested, np.split(family, cuts), strict=True))
    return HeadTests(job.statistic, job.surrogate, job.replicates, job.seed, layers_)


def _joined(layer: KeptLayer, parts: list[NullTest]) -> LayerTest:
    statuses = np.concatenate([part.status for part in parts])
    p = np.concatenate([part.p for part in parts])
    return LayerTest(
        info=layer.result.info,
        value=np.concatenate([part.value for part in parts]),
        null_mean=np.concatenate([part.mean for part in parts]),
        null_sd=np.concatenate([part.deviation for part in parts]),
        z=np.concatenate([part.z for part in parts]),
        p=p,
        q=np.full_like(p, np.nan),
        status=np.array([status_code(str(status)) for status in statuses], np.uint8),
    )
