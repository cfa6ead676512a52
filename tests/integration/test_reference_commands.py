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


def run(entries: dict[str, str], command: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    module, _, function = entries[command].partition(":")
    code = f"import sys; from {module} import {function}; sys.argv[0] = {command!r}; sys.exit({function}())"
    line = [sys.executable, "-c", code, *map(str, arguments)]
    env = os.environ | {"MPLBACKEND": "Agg"}
    return subprocess.run(
        line, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240, env=env, check=False
    )


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
@pytest.mark.parametrize("flags", [("json",), ("csv", "--layer", "0", "--head", "2"), ("npz", "--head", "3")])
def test_files_of_faa_analyze_are_the_same_field_by_field(flags: tuple[str, ...], models: Path, tmp_path: Path) -> None:
    form, *rest = flags
    common = ("--model", models / "a", "--text", TEXT, "--format", form, "--device", "cpu", "--quiet", *rest)
    for name, entries, more in (("ours", OURS, METHOD), ("theirs", THEIRS, ())):
        done = run(entries, "faa-analyze", *common, "--output", tmp_path / name, *more)
        assert done.returncode == 0, done.stderr
    if form == "npz":
        with np.load(
            f"{tmp_path / 'theirs'}.npz" if not (tmp_path / "theirs").exists() else tmp_path / "theirs"
        ) as old:
            theirs = dict(old)
        with np.load(tmp_path / "ours") as new:
            assert sorted(new) == sorted(theirs)
            for name, array in theirs.items():
                assert new[name].dtype == array.dtype
                assert np.allclose(new[name], array, rtol=4e-7, atol=1e-9)
    elif form == "csv":
        ours, theirs = (list(csv.DictReader((tmp_path / name).open())) for name in ("ours", "theirs"))
        assert len(ours) == len(theirs) == 1
        assert list(ours[0]) == list(theirs[0])
        for key, value in theirs[0].items():
            if key == "model_name":
                assert ours[0][key] == value
            elif key != "analysis_time":
                assert float(ours[0][key]) == pytest.approx(float(value), rel=4e-7, abs=1e-12), key
    else:
        assert_same(*(json.loads((tmp_path / name).read_text()) for name in ("ours", "theirs")))


@needs_reference
def test_figures_have_the_same_names_and_texts_may_come_from_files(models: Path, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT)
    for name, entries, more in (("ours", OURS, METHOD), ("theirs", THEIRS, ())):
        (tmp_path / name).mkdir()
        flags = ("--input-file", tmp_path / "text.txt", "--save-viz", tmp_path / name, "--max-gpu-memory", "20")
        assert run(entries, "faa-analyze", "--model", models / "a", *flags, *more).returncode == 0
    names = [sorted(os.listdir(tmp_path / name)) for name in ("ours", "theirs")]
    assert names[0] == names[1] != []


@needs_reference
def test_files_of_faa_compare_are_the_same_field_by_field(models: Path, tmp_path: Path) -> None:
    common = ("--model1", models / "a", "--model2", models / "b", "--text", TEXT)
    for name, entries, more in (("ours", OURS, METHOD), ("theirs", THEIRS, ())):
        done = run(entries, "faa-compare", *common, "--output", tmp_path / name, *more)
        assert done.returncode == 0, done.stderr
    assert_same(*(json.loads((tmp_path / name).read_text()) for name in ("ours", "theirs")))


def test_faa_analyze_writes_corrected_numbers_by_default(models: Path, tmp_path: Path) -> None:
    target = tmp_path / "made" / "out.json"
    done = run(OURS, "faa-analyze", "--model", models / "a", "--text", TEXT, "--output", target, "--verbose")
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
        done = run(OURS, "faa-analyze", "--model", models / "a", "--text", TEXT, *flags)
        assert done.returncode == code
        assert said in done.stderr
        assert "Traceback" not in done.stderr
    for flags in ((), ("--text", "a", "--input-file", "b")):
        with pytest.raises(SystemExit, match="2"):
            main(["--model", "demo", *flags])
