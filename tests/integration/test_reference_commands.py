"""``faa-analyze`` and ``faa-compare`` beside those of fractal-attention-analysis 1.0.0, file by file.

The package of that name must not be installed with the tests, because its commands have the names of ours; where it is
there all the same (the extra ``bench``), both run the same command lines, each through its own function.
"""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from faa_core.models.loading import DEMO_FOLDER
from faa_tui.cli.analyze_reference import main

TEXT = "The golden ratio appears in nature and in mathematics, and in music."
OURS = {"faa-analyze": "faa_tui.cli.analyze_reference:main", "faa-compare": "faa_tui.cli.compare:main"}
THEIRS = {
    "faa-analyze": "fractal_attention_analysis.cli:main",
    "faa-compare": "fractal_attention_analysis.cli:compare_models",
}
METHOD = ("--method", "faa-1.0.0")

needs_reference = pytest.mark.skipif(
    importlib.util.find_spec("fractal_attention_analysis") is None,
    reason="fractal-attention-analysis 1.0.0 is not installed (extra bench)",
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two small GPT-2, ``a`` and ``b``, at random initialisation."""
    import torch
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    folder = tmp_path_factory.mktemp("models")
    tokenizer = AutoTokenizer.from_pretrained(DEMO_FOLDER)
    ends = {"bos_token_id": 0, "eos_token_id": 0}
    config = GPT2Config(vocab_size=len(tokenizer), n_layer=2, n_head=4, n_embd=32, n_positions=128, **ends)
    for seed, name in enumerate("ab"):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            GPT2LMHeadModel(config).save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return folder


def run(entries: dict[str, str], *lines: tuple[object, ...]) -> None:
    """Run command lines, all in one process, because starting one takes longer than what it does."""
    code = (
        "import json, sys\nfrom importlib import import_module\n"
        "entries, lines = json.loads(sys.argv[1])\ncodes = []\n"
        "for line in lines:\n"
        "    module, _, function = entries[line[0]].partition(':')\n"
        "    sys.argv = line\n"
        "    try: codes.append(getattr(import_module(module), function)() or 0)\n"
        "    except SystemExit as ended: codes.append(ended.code or 0)\n"
        "print(json.dumps(codes))"
    )
    asked = json.dumps([entries, [list(map(str, line)) for line in lines]])
    done = subprocess.run(
        [sys.executable, "-c", code, asked],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"MPLBACKEND": "Agg"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1]) == [0] * len(lines), done.stderr


def analyze(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Our ``faa-analyze``, as a process of its own."""
    line = [sys.executable, "-m", "faa_tui.cli.analyze_reference", *map(str, arguments)]
    return subprocess.run(line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture(scope="module")
def written(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the files that each package writes, in ``ours`` and ``theirs``."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "text.txt").write_text(TEXT)
    for name, entries, more in (("ours", OURS, METHOD), ("theirs", THEIRS, ())):
        here = folder / name
        (here / "figures").mkdir(parents=True)
        common = ("faa-analyze", "--model", models / "a", "--device", "cpu", *more)
        by_file = ("--input-file", folder / "text.txt", "--max-gpu-memory", "20", "--save-viz", here / "figures")
        told = (*common, "--text", TEXT, "--quiet")
        pair = ("faa-compare", "--model1", models / "a", "--model2", models / "b", "--text", TEXT, *more)
        run(
            entries,
            (*common, *by_file, "--output", here / "json"),
            (*told, "--layer", "0", "--head", "2", "--format", "csv", "--output", here / "csv"),
            (*told, "--head", "3", "--format", "npz", "--output", here / "npz"),
            (*pair, "--output", here / "pair"),
        )
    return folder


def assert_same(ours: Any, theirs: Any, where: str = "") -> None:
    """Both have the same fields and values; times differ, and 1.0.0 writes some numbers as strings."""
    if isinstance(theirs, dict):
        assert list(ours) == list(theirs), where
        for key in theirs:
            if key != "analysis_time":
                assert_same(ours[key], theirs[key], f"{where}.{key}")
    elif isinstance(ours, float) or where.endswith("dimension"):
        assert float(ours) == pytest.approx(float(theirs), rel=4e-7, abs=1e-12), where
    else:
        assert ours == theirs, where


@needs_reference
@pytest.mark.parametrize("name", ["json", "pair"])
def test_json_files_are_the_same_field_by_field(name: str, written: Path) -> None:
    assert_same(*(json.loads((written / side / name).read_text()) for side in ("ours", "theirs")))


@needs_reference
def test_csv_files_are_the_same_field_by_field(written: Path) -> None:
    ours, theirs = (list(csv.DictReader((written / side / "csv").open())) for side in ("ours", "theirs"))
    assert len(ours) == len(theirs) == 1
    assert list(ours[0]) == list(theirs[0])
    for key, value in theirs[0].items():
        if key == "model_name":
            assert ours[0][key] == value
        elif key != "analysis_time":
            assert float(ours[0][key]) == pytest.approx(float(value), rel=4e-7, abs=1e-12), key


@needs_reference
def test_npz_files_are_the_same_field_by_field(written: Path) -> None:
    # NumPy adds an ending where a path has none; ours keeps the name that was asked for.
    with np.load(written / "ours" / "npz") as ours, np.load(written / "theirs" / "npz.npz") as theirs:
        assert sorted(ours) == sorted(theirs)
        for name, array in theirs.items():
            assert ours[name].dtype == array.dtype
            assert np.allclose(ours[name], array, rtol=4e-7, atol=1e-9)


@needs_reference
def test_figures_have_the_same_names(written: Path) -> None:
    ours, theirs = (sorted(os.listdir(written / side / "figures")) for side in ("ours", "theirs"))
    assert ours == theirs != []


def test_faa_analyze_writes_corrected_numbers_by_default(models: Path, tmp_path: Path) -> None:
    target = tmp_path / "made" / "out.json"
    done = analyze("--model", models / "a", "--text", TEXT, "--output", target, "--verbose")
    assert done.returncode == 0, done.stderr
    found = json.loads(target.read_text())
    assert found["fractal_dimension"] is None
    assert found["metrics"]["entropy"] > 0
    assert "undefined" in done.stdout
    assert "faa explain D0" in done.stdout


def test_errors_of_faa_analyze_are_told_without_a_traceback(models: Path, tmp_path: Path) -> None:
    for flags, code, said in (
        (("--layer", "7"), 2, "no layer 7"),
        (("--output", tmp_path), 2, "is a folder"),
    ):
        done = analyze("--model", models / "a", "--text", TEXT, *flags)
        assert done.returncode == code
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    for flags in ((), ("--text", "a", "--input-file", "b")):
        with pytest.raises(SystemExit, match="2"):
            main(["--model", "demo", *flags])
