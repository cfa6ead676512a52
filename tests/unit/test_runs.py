"""Several models and runs in one engine: both answer, budgets are kept, and what was let go says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from faa_core.analysis import Engine
from faa_core.errors import Cancelled, GoneError, ModelError, OutOfMemoryError, UsageError
from faa_core.records import LayerResult, LayerSketch, ModelInfo
from faa_core.runs import Runs
from faa_core.worker import protocol
from faa_core.worker.protocol import (
    Align,
    Examine,
    Load,
    Probe,
    Release,
    Rollout,
    Run,
    RunOptions,
    Sketch,
    Tile,
    Unload,
)

TEXT = "def double(x):\n    return x + x\n\n\ndef triple(x):\n    return x + x + x\n" * 4
OTHER = "for name in sorted(names):\n    print(name)\n" * 5


class Heard:
    """A listener that keeps all that it is told."""

    def __init__(self) -> None:
        self.models: list[ModelInfo] = []
        self.layers: list[LayerResult] = []
        self.sketches: list[LayerSketch] = []
        self.lines: list[str] = []
        self.length = 0

    def progress(self, stage, text, done=0, total=0, unit="") -> None:
        self.lines.append(text)

    def loaded(self, model) -> None:
        self.models.append(model)

    def started(self, model, tokens, decoder_tokens, truncated_from) -> None:
        self.length = len(tokens)

    def layer(self, index, total, result) -> None:
        assert index == len(self.layers)
        self.layers.append(result)

    def sketched(self, index, total, sketch) -> None:
        assert index == len(self.sketches)
        self.sketches.append(sketch)

    def check(self) -> None: ...


def whole(engine: Engine, run: int, layer: int = 1, head: int = 2, grid: int = 0, level: int = 0) -> np.ndarray:
    return engine.tile(Tile(99, run, "decoder", layer, head, level, 0, 9999, 0, 9999, grid))


def sketch(engine: Engine, run: int, rows: tuple[int, ...], top: int = 8, grid: int = 0) -> list[LayerSketch]:
    heard = Heard()
    engine.sketch(Sketch(98, run, "decoder", rows, top, grid), heard)
    return heard.sketches


@pytest.fixture
def both() -> tuple[Engine, int]:
    """An engine with one run of each of two models, and their length."""
    engine, heard = Engine(), Heard()
    engine.run(Run(1, "demo", TEXT), heard)
    engine.run(Run(2, "demo@init", TEXT), Heard())
    return engine, heard.length


def test_two_models_side_by_side_answer_everything_and_load_once(both: tuple[Engine, int]) -> None:
    engine, n = both
    assert [(model.reference, model.runs) for model in engine.residents()] == [("demo", (1,)), ("demo@init", (2,))]
    maps = [whole(engine, run) for run in (1, 2)]
    assert maps[0].shape == maps[1].shape == (n, n)
    assert np.abs(maps[0] - maps[1]).max() > 0.05
    for run in (1, 2):
        assert len(engine.test(protocol.Test(3, run, "D0", replicates=9), Heard()).layers) == 4
        assert engine.examine(Examine(3, run, "decoder", 0, 0), Heard()).queries == n
        assert engine.rollout(Rollout(3, run), Heard())[0].value.shape == (n,)
        assert len(sketch(engine, run, (1, n - 1))) == 4
    heard = Heard()
    for reference in ("demo", "demo@init", "demo"):
        engine.run(Run(9, reference, OTHER), heard := Heard())
        assert heard.models == []
        assert len(heard.layers) == 4
    np.testing.assert_array_equal(whole(engine, 1), maps[0])


def test_a_run_is_alike_whatever_else_is_in_memory(both: tuple[Engine, int]) -> None:
    alone = Engine()
    alone.run(Run(1, "demo@init", TEXT), Heard())
    np.testing.assert_array_equal(whole(alone, 1), whole(both[0], 2))


def test_released_and_unloaded_runs_are_gone_and_the_others_stay(both: tuple[Engine, int]) -> None:
    engine, _ = both
    engine.run(Run(3, "demo", OTHER), Heard())
    for _ in range(2):
        engine.release(Release(4, 1))
    with pytest.raises(GoneError, match="Run 1 is not kept") as caught:
        whole(engine, 1)
    assert caught.value.hint == "Run the text again."
    before = engine.residents()
    assert [model.runs for model in before] == [(2,), (3,)]
    assert all(model.maps > 100_000 and model.weights > 1_000_000 for model in before)
    for _ in range(2):
        engine.unload(Unload(5, "demo"))
    assert [model.reference for model in engine.residents()] == ["demo@init"]
    for ask in (
        lambda: whole(engine, 3),
        lambda: sketch(engine, 3, (0,)),
        lambda: engine.align(Align(6, 3, "decoder", *2 * [np.zeros(3, np.int32)])),
        lambda: engine.test(protocol.Test(7, 3, "D0"), Heard()),
        lambda: engine.rollout(Rollout(8, 3), Heard()),
        lambda: engine.examine(Examine(9, 3, "decoder", 0, 0), Heard()),
    ):
        with pytest.raises(GoneError):
            ask()
    assert whole(engine, 2).any()


def test_the_weights_are_counted_as_parameters_and_buffers(both: tuple[Engine, int]) -> None:
    from transformers import AutoModel

    from faa_core.models.loading import DEMO_FOLDER

    model = AutoModel.from_pretrained(DEMO_FOLDER, dtype=torch.float32)
    tensors = [*model.parameters(), *model.buffers()]
    assert [held.weights for held in both[0].residents()] == [sum(t.nbytes for t in tensors)] * 2


def test_a_model_that_does_not_fit_takes_the_place_of_the_one_used_longest_ago() -> None:
    free = [2**40]
    engine = Engine(free=lambda device: free[0])
    for id_, reference in enumerate(("demo", "demo@init"), 1):
        engine.run(Run(id_, reference, TEXT), Heard())
    far = whole(engine, 2, level=3)
    whole(engine, 1)  # now the second one is used longest ago
    assert [model.reference for model in engine.residents()] == ["demo@init", "demo"]
    free[0] = 2 * engine.residents()[0].weights - 1000  # a pass needs as much again as the weights
    engine.load(Load(3, "demo", RunOptions(dtype="bfloat16")), Heard())  # half as wide, so it fits
    assert len(engine.residents()) == 3
    free[0] = 0
    engine.load(Load(4, "demo", RunOptions(dtype="float16")), heard := Heard())
    assert [(model.reference, model.dtype) for model in engine.residents()] == [
        ("demo", "float32"),
        ("demo", "bfloat16"),
        ("demo", "float16"),
    ]
    assert [line for line in heard.lines if "Unloaded" in line] == ["Unloaded demo@init to make room"]
    # What was seen from afar is seen still; single rows would need the weights.
    np.testing.assert_array_equal(whole(engine, 2, level=3), far)
    with pytest.raises(GoneError, match="let go to make room"):
        sketch(engine, 2, (0,))


def test_older_runs_let_go_of_their_rows_first_and_the_view_from_afar_stays() -> None:
    measuring = Engine()
    measuring.run(Run(1, "demo", TEXT), Heard())
    one = next(iter(measuring._runs)).row_bytes
    engine = Engine(runs=Runs(row_bytes=int(2.5 * one)))
    for run in (1, 2, 3):
        engine.run(Run(run, "demo", TEXT), Heard())
    with pytest.raises(GoneError, match="let go") as caught:
        sketch(engine, 1, (0,))
    assert caught.value.hint == "Run the text again."
    assert whole(engine, 1, level=2).any()
    assert sketch(engine, 2, (0,))
    assert sketch(engine, 3, (0,))


def test_whole_runs_are_let_go_beyond_the_ceiling_but_never_the_two_latest() -> None:
    engine = Engine(runs=Runs(level_bytes=1))
    for run in (1, 2, 3):
        engine.run(Run(run, "demo", OTHER), Heard())
    assert [model.runs for model in engine.residents()] == [(2, 3)]
    engine = Engine(runs=Runs(most=3))
    for run in (1, 2, 3, 4, 5):
        engine.run(Run(run, "demo", OTHER), Heard())
    assert [model.runs for model in engine.residents()] == [(3, 4, 5)]


def test_a_checkpoint_that_was_written_again_is_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "map.npy"
    np.save(path, np.eye(4, dtype=np.float32)[None])
    engine = Engine()
    for run in (1, 2):
        engine.run(Run(run, str(path), "x"), heard := Heard())
        assert len(heard.models) == (run == 1)
    np.save(path, np.full((1, 8, 8), 1 / 8, np.float32))
    engine.run(Run(3, str(path), "x"), heard := Heard())
    assert len(heard.models) == 1
    assert heard.layers[0].queries == 8
    assert len(engine.residents()) == 1


def test_a_model_that_cannot_be_loaded_leaves_the_others(both: tuple[Engine, int]) -> None:
    engine, _ = both
    with pytest.raises(ModelError):
        engine.load(Load(5, "./no/such/folder"), Heard())
    assert len(engine.residents()) == 2


@pytest.mark.parametrize("job", ["load", "run"])
def test_memory_that_runs_out_is_taken_from_the_other_models_once(job: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The allocator fails for real while more than one model is in memory, as a small device would."""
    engine = Engine()
    engine.run(Run(1, "demo", TEXT), Heard())
    if job == "load":
        from faa_core.models import loading

        load_folder = loading._load_folder

        def fail_while_crowded(*arguments):
            if engine.residents():
                torch.empty(1 << 60, dtype=torch.uint8)
            return load_folder(*arguments)

        monkeypatch.setattr(loading, "_load_folder", fail_while_crowded)
        engine.load(Load(2, "demo@init"), heard := Heard())
        assert any("loading demo@init once more" in line for line in heard.lines)
    else:
        engine.load(Load(2, "demo@init"), Heard())

        class Crowded(Heard):
            def check(self) -> None:
                if len(self.layers) == 2 and len(engine.residents()) > 1:
                    torch.empty(1 << 60, dtype=torch.uint8)

        engine.run(Run(3, "demo@init", TEXT), heard := Crowded())
        assert [result.info.layer for result in heard.layers] == [0, 1, 2, 3]
        assert whole(engine, 3, 3).any()
    assert [model.reference for model in engine.residents()] == ["demo@init"]


def test_memory_that_runs_out_for_a_lone_model_is_reported() -> None:
    class Greedy(Heard):
        def check(self) -> None:
            if self.length:
                torch.empty(1 << 60, dtype=torch.uint8)

    engine = Engine()
    with pytest.raises(OutOfMemoryError):
        engine.run(Run(1, "demo", TEXT), Greedy())
    with pytest.raises(GoneError):
        whole(engine, 1)


def test_a_cancelled_run_keeps_the_layers_that_it_measured() -> None:
    class Impatient(Heard):
        def check(self) -> None:
            if len(self.layers) == 2:
                raise Cancelled("The job was cancelled.")

    engine = Engine()
    with pytest.raises(Cancelled):
        engine.run(Run(1, "demo", TEXT), Impatient())
    assert whole(engine, 1, 1).any()
    with pytest.raises(UsageError, match="no map of decoder layer 2"):
        whole(engine, 1, 2)


def test_a_probe_keeps_no_rows(both: tuple[Engine, int]) -> None:
    engine, _ = both
    before = [model.maps for model in engine.residents()]
    engine.probe(Probe(3, "demo", length=8, draws=1), Heard())
    assert sorted(model.maps for model in engine.residents()) == sorted(before)


# --- segments and sketches


def pairs(n: int) -> np.ndarray:
    """The first token set aside, the others joined two by two."""
    return np.concatenate([[-1], np.arange(n - 1) // 2]).astype(np.int32)


def joined(attention: np.ndarray, segments: np.ndarray) -> np.ndarray:
    """Weights of segments by definition, float64 [segments, segments]."""
    count = segments.max() + 1
    inside = (segments[None] == np.arange(count)[:, None]).astype(np.float64)
    return inside @ attention @ inside.T / inside.sum(1, keepdims=True)


@pytest.mark.parametrize("derived_bytes", [2**29, 2**15, 100], ids=["whole layers", "some heads", "rows"])
def test_a_tile_over_segments_is_the_mean_of_sums_at_every_level(derived_bytes: int) -> None:
    engine = Engine(runs=Runs(derived_bytes=derived_bytes))
    engine.run(Run(1, "demo", TEXT), heard := Heard())
    segments = pairs(heard.length)
    engine.align(Align(7, 1, "decoder", segments, segments))
    for head in (0, 5, 7):
        expected = joined(whole(engine, 1, 2, head).astype(np.float64), segments)
        found = whole(engine, 1, 2, head, grid=7)
        np.testing.assert_allclose(found, expected, rtol=2e-3, atol=1e-6)
        side = -(-len(expected) // 4) * 4
        padded = np.zeros((side, side))
        padded[: len(expected), : len(expected)] = found
        np.testing.assert_array_equal(
            whole(engine, 1, 2, head, grid=7, level=2), padded.reshape(side // 4, 4, -1, 4).max((1, 3))
        )
        part = engine.tile(Tile(99, 1, "decoder", 2, head, 1, 3, 9, 2, 7, 7))
        np.testing.assert_array_equal(part, whole(engine, 1, 2, head, grid=7, level=1)[3:9, 2:7])
    assert engine.residents()[0].maps > 0


def test_segments_belong_to_one_kind_of_one_run(both: tuple[Engine, int]) -> None:
    engine, n = both
    with pytest.raises(UsageError, match=f"{n + 1}"):
        engine.align(Align(7, 1, "decoder", *2 * [np.arange(n + 1, dtype=np.int32)]))
    engine.align(Align(7, 1, "decoder", pairs(n), pairs(n)))
    with pytest.raises(UsageError, match="Align the run first"):
        whole(engine, 2, grid=7)
    with pytest.raises(UsageError, match="Align the run first"):
        whole(engine, 1, grid=8)
    with pytest.raises(UsageError, match="0 to 7"):
        whole(engine, 1, head=8, grid=7)
    with pytest.raises(UsageError, match="segments"):
        engine.tile(Tile(99, 1, "decoder", 0, 0, 0, 500, 501, 0, 1, 7))


def test_a_sketch_is_the_heaviest_keys_of_the_models_own_rows(both: tuple[Engine, int]) -> None:
    engine, n = both
    rows = (0, 3, 4, 5, n // 2, n - 1)
    for layer, found in enumerate(sketch(engine, 1, rows)):
        assert (found.info.kind, found.info.layer) == ("decoder", layer)
        assert found.rows.tolist() == list(rows)
        assert (found.first.tolist(), found.stop.tolist()) == ([0] * len(rows), [row + 1 for row in rows])
        assert (found.keys.dtype, found.weights.dtype, found.mass.dtype) == (np.uint16, np.float16, np.float16)
        np.testing.assert_allclose(found.mass, 1, atol=1e-3)
        for head in range(8):
            exact = whole(engine, 1, layer, head)[list(rows)]
            heaviest = np.sort(exact, axis=1)[:, ::-1][:, :8]
            np.testing.assert_allclose(found.weights[head], heaviest, rtol=1e-3, atol=1e-6)
            at = np.take_along_axis(exact, found.keys[head].astype(int), axis=1)
            told = found.weights[head] > 0
            np.testing.assert_allclose(found.weights[head][told], at[told], rtol=1e-3, atol=1e-6)
        # The first row sees one key only: it is repeated, with weight 0.
        assert found.keys[:, 0].tolist() == [[0] * 8] * 8
        assert found.weights[:, 0].tolist() == [[1] + [0] * 7] * 8
        assert found.keys[:, 1].max() <= 3


def test_a_sketch_over_segments_is_a_sketch_of_the_map_over_segments(both: tuple[Engine, int]) -> None:
    engine, n = both
    engine.align(Align(7, 2, "decoder", pairs(n), pairs(n)))
    rows = (0, 1, 7, (n - 2) // 2)
    for layer, found in enumerate(sketch(engine, 2, rows, 3, 7)):
        maps = np.stack([whole(engine, 2, layer, head, 7) for head in range(8)])[:, list(rows)]
        np.testing.assert_allclose(found.weights, np.sort(maps, -1)[..., ::-1][..., :3], rtol=1e-3, atol=1e-6)
        np.testing.assert_allclose(found.mass, maps.sum(-1, dtype=np.float64), atol=2e-3)
        assert found.first.tolist() == [0] * 4
        assert found.stop.tolist() == [row + 1 for row in rows]
        assert (found.mass < 1).all()  # the first token was set aside


@pytest.mark.parametrize(("rows", "top"), [((), 8), ((3, 3), 8), ((5, 4), 8), ((-1,), 8), ((99_999,), 8), ((0,), 0)])
def test_a_sketch_without_sense_is_refused(both: tuple[Engine, int], rows: tuple[int, ...], top: int) -> None:
    with pytest.raises(UsageError):
        sketch(both[0], 1, rows, top)
    with pytest.raises(UsageError, match="no encoder maps"):
        both[0].sketch(Sketch(9, 1, "encoder", (0,)), Heard())


def test_a_long_sketch_tells_no_more_keys_than_there_are(both: tuple[Engine, int]) -> None:
    engine, n = both
    found = sketch(engine, 1, (n - 1,), 10 * n)[0]
    assert found.keys.shape == (8, 1, n)
    np.testing.assert_allclose(found.weights.sum(-1, dtype=np.float64), 1, atol=1e-2)
