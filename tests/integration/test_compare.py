"""``faa compare`` and ``faa-compare`` as a user runs them: real processes, real workers, the bundled model."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
import threading
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import transformers

from faa_core.api.pair import last_head, reference_metrics
from faa_core.errors import Cancelled, ModelError
from faa_core.origin import UNKNOWN
from faa_core.reference import parse
from faa_core.report import chosen_pairs
from faa_core.store import Store
from faa_core.worker.launch import LocalLaunch
from faa_core.worker.protocol import RunOptions
from faa_tui import paths
from faa_tui.cli.compare import keep_compared, run, with_partner
from faa_tui.cli.compare_runs import measure, measuring, together
from faa_tui.hosts import Hosts
from faa_tui.reports import kept_report

DEMO = Path(str(files("faa_core").joinpath("models", "demo")))
LINES = (
    "def add(a, b): return a + b  # for as many numbers as there are in the list of arguments that were given",
    "for name in names: print(name, len(name), total); total += len(name); names.remove(name); print(names)",
    "class Point: x = 0; y = 0; __init__ = lambda self, x, y: setattr(self, 'x', x) or setattr(self, 'y', y)",
    "import os; [print(root, len(files)) for root, dirs, files in os.walk('.') if len(files) > 10 and dirs]",
    "while low < high: middle = (low + high) // 2; low = middle + 1 if f(middle) else low; high = middle - 1",
    "with open(path) as lines: counts = [len(line.split()) for line in lines if line.strip()]; print(counts)",
)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("texts") / "texts.txt"
    path.write_text("\n".join(LINES))
    return path


def test_with_nothing_named_training_is_compared_with_none_at_all(faa) -> None:
    done = faa("compare", env={"COLUMNS": "140"})
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert "A  demo  Llama" in done.stdout
    assert "B  demo@init  Llama" in done.stdout
    assert "previous token" in done.stdout
    assert "no p-value" in done.stdout
    assert "--texts" in done.stdout


def test_over_texts_every_difference_has_an_interval_and_a_test(faa, texts: Path) -> None:
    found = json.loads(faa("compare", "demo", "--texts", texts, "--json").stdout)
    assert (found["a"]["model"], found["b"]["model"], found["texts"]) == ("demo", "demo@init", 6)
    assert found["discoveries"]["D1"] == 32
    assert found["warnings"] == []
    for pair in found["pairs"]:
        assert (pair["a"]["layer"], pair["a"]["head"]) == (pair["b"]["layer"], pair["b"]["head"])
        assert pair["method"] == "index"
        entropy = pair["statistics"]["entropy"]
        assert entropy["low"] < entropy["difference"] < entropy["high"]
        assert entropy["difference"] == pytest.approx(entropy["b"] - entropy["a"])
        assert entropy["p"] >= 2 / 2**6
        assert 0 < pair["divergence"]["low"] <= pair["divergence"]["value"] <= pair["divergence"]["high"] <= np.log(2)


def test_each_of_several_models_is_compared_with_the_first_on_common_segments(faa, bytewise: Path, texts: Path) -> None:
    done = faa("compare", "demo", "demo", bytewise, "--texts", texts, "--match", "divergence", "--json")
    assert done.returncode == 0, done.stderr
    itself, found = json.loads(done.stdout)["comparisons"]
    assert all(pair["a"]["head"] == pair["b"]["head"] for pair in itself["pairs"])
    assert {pair["method"] for pair in itself["pairs"]} == {"divergence"}
    assert all(pair["divergence"]["value"] == 0 for pair in itself["pairs"])
    assert set(itself["discoveries"].values()) == {0}

    assert (itself["aligned"], found["aligned"]) == ("tokens", "segments")
    # Every token of the bundled model is some bytes, so its tokens are the segments; the first one it adds is not.
    assert [n - 1 for n in found["a"]["tokens"]] == found["segments"]
    assert found["b"]["tokens"] == [len(line.encode()) for line in LINES]
    assert len(found["pairs"]) == 8
    assert len(found["alone_a"]) == 24
    assert found["alone_b"] == []
    assert {(one["a"], one["b"]) for one in found["matched_layers"]} == {(0, 0), (1, 0), (2, 1), (3, 1)}
    assert all(0 < pair["divergence"]["value"] < np.log(2) for pair in found["pairs"])
    assert any("Tokenizers differ" in line for line in found["warnings"])


def test_heads_are_paired_by_hand_and_a_file_is_never_overwritten_unasked(faa, tmp_path: Path) -> None:
    target = tmp_path / "found.json"
    command = ("compare", "demo", "demo", "--text", LINES[0], "--pair", "1.2=2.3", "-o", target)
    done = faa(*command)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert os.listdir(tmp_path) == ["found.json"]
    written = json.loads(target.read_text())
    pairs = {(pair["a"]["layer"], pair["a"]["head"]): pair for pair in written["pairs"]}
    assert (pairs[1, 2]["b"]["layer"], pairs[1, 2]["b"]["head"]) == (2, 3)
    assert (pairs[2, 3]["b"]["layer"], pairs[2, 3]["b"]["head"]) == (1, 2)
    assert pairs[1, 2]["method"] == pairs[2, 3]["method"] == "hand"
    assert pairs[1, 2]["divergence"]["value"] > 0
    assert len(pairs) == 32
    again = faa(*command)
    assert again.returncode == 2
    assert "--force" in again.stderr
    assert json.loads(target.read_text()) == written


def test_a_file_of_attention_is_compared_with_a_model_of_as_many_tokens(faa, tmp_path: Path) -> None:
    n = len(transformers.AutoTokenizer.from_pretrained(DEMO)(LINES[0])["input_ids"])
    even = np.tril(np.ones((4, 8, n, n), np.float32)) / np.arange(1, n + 1, dtype=np.float32)[:, None]
    np.save(tmp_path / "even.npy", even)
    done = faa("compare", "demo@init", tmp_path / "even.npy", "--text", LINES[0], "--csv")
    assert done.returncode == 0, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    # An untrained model attends almost evenly.
    assert len({(row["layer_a"], row["head_a"]) for row in rows}) == 32
    assert all(float(row["divergence"]) < 0.01 for row in rows)


def test_machines_work_at_the_same_time_and_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    # Another worker of this machine under the name of one; tests/remote has it behind a real sshd.
    hosts = Hosts()
    monkeypatch.setattr(hosts, "launch", lambda host: LocalLaunch())
    references = [parse(text) for text in ("demo", "gpu7:demo@init", "gpu7:demo")]
    sides = measure(references, LINES[:2], RunOptions(), hosts)
    assert [side.reference for side in sides] == references
    for side in sides:
        assert [run.text for run in side.analyses] == list(LINES[:2])
        assert [len(sketches) for sketches in side.sketches] == [4, 4]
    for left, right in zip(sides[0].sketches[1], sides[2].sketches[1], strict=True):
        np.testing.assert_array_equal(left.weights, right.weights)
    assert (sides[0].sketches[0][1].weights != sides[1].sketches[0][1].weights).any()


def test_a_report_has_maps_of_the_first_text_over_the_segments_that_all_models_share(
    bytewise: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    references = [parse(text) for text in ("demo", "demo@init", str(bytewise))]
    with measuring(references, LINES[:2], RunOptions(), Hosts()) as measurement:
        first, *others = measurement.sides
        comparisons = [first.compared_with(other, seed=0, by_divergence=True) for other in others]
        parts = measurement.parts(comparisons)
        keep_compared(measurement, comparisons, UNKNOWN)
    with Store(paths.runs()) as store:
        kept = [kept_report(store, entry).compared[0] for entry in reversed(store.entries())]
    for part, again in zip(parts, kept, strict=True):  # the same, in coarser cells, from the file of runs
        assert [one.pair for one in again.maps] == [one.pair for one in part.maps]
        for maps, little in zip(part.maps, again.maps, strict=True):
            assert (little.segments, little.rows, little.columns) == (True, maps.rows, maps.columns)
            assert (little.a.max(), little.b.max()) == pytest.approx((maps.a.max(), maps.b.max()), abs=0.01)
    for comparison, part in zip(comparisons, parts, strict=True):
        assert [run.text for run in part.runs or ()] == [LINES[0]] * 2
        assert [one.pair for one in part.maps] == [chosen.pair for chosen in chosen_pairs(comparison)]
        for maps in part.maps:
            # The tokens of the bundled model but the one that it adds, whose weight is in no segment.
            assert maps.segments
            assert "".join(maps.rows) == LINES[0]
            assert len(maps.rows) == len(part.runs[0].tokens) - 1
            assert maps.a.shape == maps.b.shape == (len(maps.rows), len(maps.columns))
            for weights, masked in ((maps.a, maps.masked_a), (maps.b, maps.masked_b)):
                assert (weights[masked] == 0).all()
                assert (weights.sum(1) < 1.01).all()
    for maps in parts[1].maps:
        np.testing.assert_allclose(maps.b.sum(1), 1, atol=0.01)  # it adds no token
    assert any((maps.a.sum(1) < 0.9).any() for maps in parts[0].maps)


def test_the_first_machine_that_fails_is_heard_while_another_works() -> None:
    never = threading.Event()

    def fail() -> bool:
        raise ModelError("There is no folder ./nowhere.")

    with pytest.raises(ModelError, match="nowhere"):
        together([fail, lambda: never.wait()])
    never.set()
    assert together([lambda: 1, lambda: 2, lambda: 3]) == [1, 2, 3]


def test_ctrl_c_gives_up_what_several_machines_do() -> None:
    never = threading.Event()

    def interrupt() -> bool:
        os.kill(os.getpid(), signal.SIGINT)
        return never.wait()

    with pytest.raises(Cancelled, match="cancelled"):
        together([interrupt, lambda: never.wait()])
    never.set()


# --- what goes wrong -----------------------------------------------------------------------------------------------


def test_one_model_goes_with_itself_untrained() -> None:
    for named, meant in (
        ((), ("demo", "demo@init")),
        (("gpu7:gpt2",), ("gpu7:gpt2", "gpu7:gpt2@init")),
        (("demo@init",), ("demo", "demo@init")),
        (("a", "b", "c"), ("a", "b", "c")),
    ):
        assert tuple(map(str, with_partner(named))) == meant


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("demo", "./nowhere", "--text", "x"), 1, "nowhere"),
        (("map.npy",), 2, "untrained"),
        (("demo", "--text", "x", "--pair", "0.0"), 2, "1.4=2.3"),
        (("demo", "--text", "x", "-o", "./no/such/folder.json"), 2, "does not exist"),
    ],
)
def test_errors_say_what_to_do(faa, arguments: tuple[str, ...], code: int, words: str) -> None:
    done = faa("compare", *arguments)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["a", "b", "c", "d", "e"],
        ["a", "--model1", "b", "--model2", "c"],
        ["--model1", "b"],
        ["a", "-o", "x.pdf"],
        ["a", "--json", "--csv"],
        ["a", "b", "c", "--pair", "0.0=0.1"],
    ],
)
def test_wrong_usage_is_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(arguments)
    assert ended.value.code == 2
    assert "usage: faa compare" in capsys.readouterr().err


# --- faa-compare of 1.0.0 ------------------------------------------------------------------------------------------

TEXT = "def add(a, b):\n    return a + b\n" * 4
EXPECTED = {
    "fractal_dimension": 2.083348658008667,
    "entropy": 5.804595947265625,
    "sparsity": 0.7831968672125311,
    "concentration": 0.3689928948879242,
    "uniformity": 0.11812813580036163,
    "forward_flow": 0.0,
    "backward_flow": 0.9291874,
    "self_attention": 0.07081263,
    "interpretability_score": 0.7136964356691976,
}
"""What 1.0.0 printed for the folder of the bundled model, which it ran in the format of its file, float16."""


def as_in_1_0_0(*arguments: object) -> subprocess.CompletedProcess[str]:
    code = "import sys; from faa_tui.cli.compare import main; sys.exit(main())"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False)


def assert_shape(found: dict[str, Any]) -> None:
    assert found.keys() == {"model_1", "model_2", "dimension_difference"}
    for name in ("model_1", "model_2"):
        assert found[name].keys() == {"name", "fractal_dimension", "metrics"}
        assert found[name]["metrics"].keys() == EXPECTED.keys()


def test_the_keys_of_1_0_0_hold_corrected_numbers_by_default(tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    target.write_text("what was there before")  # 1.0.0 replaces it, and scripts count on that
    done = as_in_1_0_0("--model1", "demo", "--model2", "demo@init", "--text", TEXT, "--output", target)
    assert done.returncode == 0, done.stderr
    found = json.loads(target.read_text())
    assert_shape(found)
    assert found["model_1"]["fractal_dimension"] is None
    assert "undefined" in done.stdout
    assert "faa explain D0" in done.stdout
    from faa_core import AttentionMetrics

    meant = AttentionMetrics().compute_all_metrics(last_head("demo", TEXT))
    for key in EXPECTED.keys() - {"fractal_dimension", "interpretability_score"}:
        assert found["model_1"]["metrics"][key] == pytest.approx(meant[key], rel=1e-5), key


def test_the_numbers_of_1_0_0_can_be_had_to_the_digit(bytewise: Path) -> None:
    flags = ("--text", TEXT, "--method", "faa-1.0.0", "--json")
    found = json.loads(as_in_1_0_0("--model1", "demo", "--model2", bytewise, *flags, "--dtype", "float16").stdout)
    assert_shape(found)
    for key, value in EXPECTED.items():
        # It printed its flows with seven digits.
        assert found["model_1"]["metrics"][key] == pytest.approx(value, rel=2e-7), key
    assert found["dimension_difference"] == pytest.approx(2.083348658008667 - 1.9275348554198344, abs=1e-12)


def test_1_0_0_is_not_asked_on_other_machines_and_errors_keep_their_class() -> None:
    method = ("--text", TEXT, "--method", "faa-1.0.0")
    assert as_in_1_0_0("--model1", "demo", "--model2", "gpu7:demo", *method).returncode == 2
    done = as_in_1_0_0("--model1", "./nowhere", "--model2", "demo", *method)
    assert done.returncode == 1
    assert "nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_dimension_of_1_0_0_does_not_see_the_model() -> None:
    a, b = (reference_metrics(last_head(model, TEXT)) for model in ("demo", "demo@init"))
    assert a["fractal_dimension"] == b["fractal_dimension"]
    assert a["entropy"] != b["entropy"]
