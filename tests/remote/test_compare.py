"""Comparisons across machines."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

LINES = (
    "def add(a, b): return a + b  # for as many numbers as there are in the list of arguments that were given",
    "for name in names: print(name, len(name), total); total += len(name); names.remove(name); print(names)",
    "import os; [print(root, len(files)) for root, dirs, files in os.walk('.') if len(files) > 10 and dirs]",
)


def test_the_same_model_on_two_machines_does_not_differ_and_an_untrained_one_does(faa: Any, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(LINES))
    done = faa("compare", "gpu7:demo", "gpu8:demo", "gpu7:demo@init", "--texts", tmp_path / "texts.txt", "--json")
    assert done.returncode == 0, done.stderr
    same, other = json.loads(done.stdout)["comparisons"]
    assert (same["a"]["model"], same["b"]["model"]) == ("gpu7:demo", "gpu8:demo")
    assert other["b"]["model"] == "gpu7:demo@init"
    assert set(same["discoveries"].values()) == {0}
    for pair in same["pairs"]:
        assert pair["divergence"]["value"] < 1e-3
        for statistic in pair["statistics"].values():
            assert statistic["difference"] in (0, None)
    assert all(pair["divergence"]["value"] > 0.01 for pair in other["pairs"])


def test_a_machine_that_lets_nobody_in_is_an_error(faa: Any) -> None:
    done = faa("compare", "demo", "gpu7-locked:demo", "--text", LINES[0])
    assert done.returncode == 1
    assert "faa: gpu7-locked did not let you in without a question." in done.stderr
    assert done.stdout == ""
