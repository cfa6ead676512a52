"""Two models in one real worker: what a comparison asks of it, over its own pipe."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from faa_core.errors import GoneError, UsageError
from faa_core.worker import protocol
from faa_core.worker.session import Session, session

TEXT = "def double(x):\n    return x + x\n" * 4


@pytest.fixture(scope="module")
def worker() -> Iterator[Session]:
    with session() as made:
        yield made


def test_two_models_are_compared_in_one_worker(worker: Session) -> None:
    runs = []
    for reference in ("demo", "demo@init"):
        analysis = worker.analyse(reference, TEXT)
        runs.append(worker.run)
    n = len(analysis.tokens)
    assert [(model.reference, model.runs) for model in worker.residents()] == [
        ("demo", (runs[0],)),
        ("demo@init", (runs[1],)),
    ]

    segments = np.concatenate([[-1], np.arange(n - 1) // 2]).astype(np.int32)
    for run in runs:
        attention = worker.map("decoder", 1, 3, run=run)
        assert attention.shape == (n, n)
        grid = worker.align("decoder", segments, segments, run=run)
        tile = worker.tile("decoder", 1, 3, 0, 0, n, 0, n, grid, run)
        inside = segments[None] == np.arange(segments.max() + 1)[:, None]
        expected = inside @ attention.astype(np.float64) @ inside.T / inside.sum(1, keepdims=True)
        np.testing.assert_allclose(tile, expected, rtol=3e-3, atol=1e-6)
        sketches = worker.sketch("decoder", (0, 5), 4, grid, run)
        assert [sketch.info.layer for sketch in sketches] == [0, 1, 2, 3]
        np.testing.assert_allclose(sketches[1].weights[3, 1], np.sort(expected[5])[::-1][:4], rtol=3e-3, atol=1e-6)
        assert len(worker.test("D0", replicates=9, run=run).layers) == 4
        assert worker.examine("decoder", 0, 0, run=run).queries == n
        assert len(worker.rollout(run=run)) == 1

    worker.release(runs[0])
    with pytest.raises(GoneError, match="Run the text again"):
        worker.sketch("decoder", (0,), run=runs[0])
    worker.unload("demo@init")
    worker.unload("demo@init")
    assert [model.reference for model in worker.residents()] == ["demo"]
    with pytest.raises(GoneError):
        worker.map("decoder", 0, 0, run=runs[1])


def test_segments_of_another_text_are_refused(worker: Session) -> None:
    worker.analyse("demo", TEXT)
    with pytest.raises(UsageError, match="Align the tokens of this very run"):
        worker.align("decoder", np.arange(3, dtype=np.int32), np.arange(3, dtype=np.int32))


def test_a_file_of_attention_is_sketched_and_aligned(worker: Session, tmp_path) -> None:
    maps = np.random.default_rng(0).dirichlet(np.ones(6), (2, 4)).astype(np.float32)
    np.save(tmp_path / "cross.npy", maps)
    analysis = worker.analyse(str(tmp_path / "cross.npy"), "any")
    assert analysis.layers[0].info.kind == "cross"
    keys = np.array([0, 0, 1, 1, 2, 2], np.int32)
    grid = worker.align("cross", np.array([0, 0, 1, 1], np.int32), keys)
    tile = worker.tile("cross", 0, 1, 0, 0, 2, 0, 3, grid)
    np.testing.assert_allclose(tile, maps[1].reshape(2, 2, 3, 2).sum(3).mean(1), rtol=1e-3)
    (sketch,) = worker.sketch("cross", (1,), 2, grid)
    assert sketch.keys[1, 0].tolist() == np.argsort(-tile[1], kind="stable")[:2].tolist()


def test_the_residents_of_an_empty_worker_are_none() -> None:
    with session() as made:
        assert made.residents() == ()
        assert made.run == 0
        assert set(made.hello.capabilities) >= {"align", "sketch", "release", "unload", "residents"}
        assert made.hello.protocol == protocol.VERSION
