"""One test on every head of a run, and rollout: asked of an engine that has just read a text."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from faa_core.analysis import Engine
from faa_core.errors import Cancelled, GoneError, UsageError
from faa_core.geometry import box_dimension
from faa_core.geometry.null_tests import TIE
from faa_core.geometry.surrogates import RowShuffle, Streams
from faa_core.records import LayerResult
from faa_core.worker import protocol

TEXT = "for name in names:\n    print(name, len(name))\n    total += len(name)\n" * 3


class Listener:
    def __init__(self, checks: int | None = None) -> None:
        self.layers: list[LayerResult] = []
        self.told: list[tuple[str, int, int]] = []
        self._checks = checks

    def progress(self, stage, text, done=0, total=0, unit="") -> None:
        self.told.append((stage, done, total))

    def loaded(self, model) -> None: ...

    def started(self, *what) -> None: ...

    def layer(self, index, total, result) -> None:
        self.layers.append(result)

    def check(self) -> None:
        if self._checks is not None:
            self._checks -= 1
            if self._checks < 0:
                raise Cancelled("The job was cancelled.")


@pytest.fixture(scope="module")
def engine() -> Engine:
    engine = Engine()
    engine.run(protocol.Run(1, "demo", TEXT), Listener())
    return engine


def _job(**changes) -> protocol.Test:
    return protocol.Test(**({"id": 1, "run": 1, "statistic": "D0", "replicates": 19, "seed": 3} | changes))


def test_the_family_is_every_head_of_the_run(engine: Engine) -> None:
    heard = Listener()
    found = engine.test(_job(), heard)
    p, q = (np.concatenate([getattr(layer, name) for layer in found.layers]) for name in ("p", "q"))
    assert len(p) == 32
    tested = np.isfinite(p)
    assert (q[tested] >= p[tested] - 1e-12).all()
    # Benjamini and Hochberg 1995 by hand: p (m / rank), made monotone from the largest down.
    order = np.argsort(p[tested])
    by_hand = np.minimum.accumulate((p[tested][order] * tested.sum() / np.arange(1, tested.sum() + 1))[::-1])[::-1]
    np.testing.assert_allclose(q[tested][order], np.minimum(by_hand, 1))
    assert heard.told[-1] == ("test", 32 * 19, 32 * 19)


def test_heads_tested_together_are_tested_as_one_by_one(engine: Engine) -> None:
    """On the maps of the bundled model, a surrogate at a time, by the front door of the geometry."""
    found = engine.test(_job(replicates=5), Listener()).layers[2]
    layer = engine._runs.find(1).layer("decoder", 2)
    weights = torch.stack([layer.whole(head) for head in range(8)])
    seed = int(np.random.SeedSequence((3, 2, 0)).generate_state(1)[0])
    permute = RowShuffle(layer.support)
    sample = np.empty((5, 8))
    for replicate, head in np.ndindex(5, 8):
        streams = Streams(seed, range(replicate, replicate + 1), range(head, head + 1), weights.device)
        drawn = permute(weights[head : head + 1], streams)[0, 0]
        sample[replicate, head] = box_dimension(drawn, layer.support).effective
    np.testing.assert_array_equal(found.null_mean, sample.mean(0))
    np.testing.assert_array_equal(found.value, box_dimension(weights, layer.support).effective)
    beyond = np.minimum((sample >= found.value - TIE).sum(0), (sample <= found.value + TIE).sum(0))
    np.testing.assert_allclose(found.p, np.minimum(1, 2 * (1 + beyond) / 6))


def test_the_same_seed_gives_the_same_p(engine: Engine) -> None:
    first, again, other = (engine.test(_job(seed=seed), Listener()) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.layers[2].null_mean, again.layers[2].null_mean)
    assert not np.array_equal(first.layers[2].null_mean, other.layers[2].null_mean)


def test_a_test_can_be_cancelled_and_asked_for_again(engine: Engine) -> None:
    with pytest.raises(Cancelled):
        engine.test(_job(), Listener(checks=3))
    assert len(engine.test(_job(), Listener()).layers) == 4


@pytest.mark.parametrize("changes", [{"statistic": "entropy"}, {"replicates": 1}])
def test_what_cannot_be_tested_is_refused(engine: Engine, changes: dict) -> None:
    with pytest.raises(UsageError):
        engine.test(_job(**changes), Listener())


def test_without_a_run_there_is_nothing_to_ask() -> None:
    with pytest.raises(GoneError, match="Run the text again"):
        Engine().test(_job(), Listener())
    with pytest.raises(GoneError, match="Run the text again"):
        Engine().rollout(protocol.Rollout(2, 1), Listener())
    with pytest.raises(GoneError, match="Run the text again"):
        Engine().examine(protocol.Examine(2, 1, "decoder", 0, 0), Listener())


def test_rollout_of_the_run_shares_out_the_last_position(engine: Engine) -> None:
    (rolled,) = engine.rollout(protocol.Rollout(2, 1), Listener())
    assert rolled.kind == "decoder"
    assert rolled.value.sum() == pytest.approx(1)
    assert rolled.null.sum() == pytest.approx(1)
    assert np.abs(rolled.value - rolled.null).max() > 0.01
