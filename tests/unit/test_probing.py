"""The random-repeat probe on models whose heads are known."""

from __future__ import annotations

import numpy as np
import pytest

from faa_core.analysis import Engine
from faa_core.errors import Cancelled, UsageError
from faa_core.findings import RepeatProbe
from faa_core.worker.protocol import Probe


class Listener:
    def __init__(self, checks: int | None = None) -> None:
        self.draws: list[tuple[int, int]] = []
        self._checks = checks

    def progress(self, stage: str, text: str, done: int = 0, total: int = 0, unit: str = "") -> None:
        if stage == "probe":
            self.draws.append((done, total))

    def loaded(self, model) -> None: ...

    def check(self) -> None:
        if self._checks is not None:
            self._checks -= 1
            if self._checks < 0:
                raise Cancelled("The job was cancelled.")


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine()


def _score(probe: RepeatProbe, name: str) -> np.ndarray:
    return np.stack([layer.value[layer.names.index(name)] for layer in probe.layers])


def test_the_bundled_model_has_induction_heads_and_its_untrained_twin_has_none(engine: Engine) -> None:
    listener = Listener()
    trained = engine.probe(Probe(1, "demo"), listener)
    untrained = engine.probe(Probe(2, "demo@init"), Listener())
    assert listener.draws == [(0, 4), (1, 4), (2, 4), (3, 4)]
    assert (trained.length, trained.draws) == (50, 4)
    assert _score(trained, "induction").max() > 0.7
    assert _score(trained, "duplicate_token").max() < 0.1
    null = trained.layers[0].null
    assert np.abs(_score(untrained, "induction") - null[0, 0]).max() < 0.005
    # Even attention gives each of the keys it sees the same: one in i + 1 on row i of the second copy, which follows
    # a token that begins the text.
    rows = np.arange(51, 101)
    assert null == pytest.approx(np.full_like(null, np.mean(1 / (rows + 1))))


def test_the_same_seed_gives_the_same_scores_and_another_one_others(engine: Engine) -> None:
    first, again, other = (
        engine.probe(Probe(id, "demo", length=20, draws=2, seed=seed), Listener())
        for id, seed in ((1, 5), (2, 5), (3, 6))
    )
    assert np.array_equal(_score(first, "induction"), _score(again, "induction"))
    assert not np.array_equal(_score(first, "induction"), _score(other, "induction"))


def test_a_probe_can_be_cancelled_and_asked_for_again(engine: Engine) -> None:
    with pytest.raises(Cancelled):
        engine.probe(Probe(1, "demo"), Listener(checks=2))
    assert len(engine.probe(Probe(2, "demo"), Listener()).layers) == 4


def test_a_probe_longer_than_the_context_is_refused(engine: Engine) -> None:
    with pytest.raises(UsageError, match="context of demo is"):
        engine.probe(Probe(1, "demo", length=5000), Listener())


def test_a_file_of_attention_has_no_model_to_probe(engine: Engine, tmp_path) -> None:
    path = tmp_path / "map.npy"
    np.save(path, np.tril(np.ones((1, 1, 8, 8), np.float32)) / np.arange(1, 9)[:, None])
    with pytest.raises(UsageError, match="attention without a model"):
        engine.probe(Probe(1, str(path)), Listener())
