"""What ``faa analyze`` and ``faa examine`` can be asked beyond one pass, by real processes on the bundled model."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

TEXT = "for name in names:\n    print(name, len(name))\n    total += len(name)\n" * 4
TEXTS = (
    "def add(a, b):\n    return a + b\n" * 5,
    "for name in names:\n    print(name, len(name))\n" * 5,
    "class Point:\n    def __init__(self, x):\n        self.x = x\n" * 4,
)


@pytest.fixture(scope="module")
def everything(faa) -> dict:
    asked = ("--test", "D1", "--test", "D0", "--replicates", "39", "--null", "init", "--probe", "--rollout")
    done = faa("analyze", "demo", "--text", TEXT, "--json", *asked)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_every_head_is_tested_and_false_discoveries_are_controlled_over_all(everything: dict) -> None:
    assert [test["statistic"] for test in everything["tests"]] == ["D1", "D0"]
    for statistic in ("D1", "D0"):
        tests = [head["tests"][statistic] for head in everything["heads"]]
        p = sorted(test["p"] for test in tests)
        assert p[0] >= 2 / 40
        assert all(test["q"] >= test["p"] for test in tests)
        # Benjamini and Hochberg 1995: the largest q is the largest p.
        assert max(test["q"] for test in tests) == pytest.approx(p[-1])
        assert all(math.isclose(t["z"], (t["value"] - t["null_mean"]) / t["null_sd"]) for t in tests if t["z"])


def test_the_untrained_model_is_the_null_of_the_whole_run(everything: dict) -> None:
    assert everything["random_init"]["revision"] == "init seed 0"
    for head in everything["heads"]:
        assert head["random_init"]["D1"]["mean"] == pytest.approx(2, abs=0.01)
        entropy = head["random_init"]["entropy"]
        assert entropy["difference"] == pytest.approx(head["entropy"]["value"] - entropy["mean"])
    assert min(head["random_init"]["D1"]["difference"] for head in everything["heads"]) < -0.5


def test_the_probe_finds_induction_without_a_text(everything: dict) -> None:
    scores = [head["probe"]["induction"]["value"] for head in everything["heads"]]
    assert max(scores) > 0.7
    assert min(scores) < 0.05
    assert everything["probe"] == {"length": 50, "draws": 4, "seed": 0}


def test_rollout_ends_with_shares_beside_those_of_the_mask(everything: dict) -> None:
    (rolled,) = everything["rollout"]
    assert len(rolled["value"]) == len(everything["tokens"])
    assert sum(rolled["value"]) == pytest.approx(1)
    assert sum(rolled["null"]) == pytest.approx(1)


def test_every_head_has_a_spectrum_that_falls_with_q(everything: dict) -> None:
    for head in everything["heads"]:
        spectrum = head["spectrum"]
        assert spectrum["q"][-1] == "inf"
        assert head["D1"]["effective"] == pytest.approx(spectrum["effective"][spectrum["q"].index(1.0)])
        assert all(a >= b - 0.02 for a, b in zip(spectrum["effective"], spectrum["effective"][1:], strict=False))


def test_mean_attention_by_distance_begins_with_the_own_and_the_previous_token(everything: dict) -> None:
    for head in everything["heads"]:
        profile = head["by_distance"]
        assert profile["start"][:4] == [0, 1, 2, 4]
        assert profile["mean"][0] == pytest.approx(head["current_token"]["value"], rel=1e-5)
        assert profile["mean"][1] == pytest.approx(head["previous_token"]["value"], rel=1e-5)
        assert profile["null"][1] == pytest.approx(head["previous_token"]["null"], rel=1e-5)


def test_every_head_has_its_dimension_over_a_range_of_thresholds(everything: dict) -> None:
    for head in everything["heads"]:
        dimensions = dict(zip(head["D0"]["thresholds"], head["D0"]["dimensions"], strict=True))
        assert dimensions[1.0] == pytest.approx(head["D0"]["effective"])
        assert min(dimensions) == 2**-6
        assert max(dimensions) == 2**6


def test_means_over_the_texts_of_a_file_and_of_a_folder_are_the_same(faa, tmp_path: Path) -> None:
    lines = [text.replace("\n", " ") for text in TEXTS]
    (tmp_path / "texts.txt").write_text("\n".join(lines) + "\n\n")
    folder = tmp_path / "texts"
    folder.mkdir()
    for index, line in enumerate(lines):
        (folder / f"{index}.txt").write_text(line)
    outputs = []
    for place in (tmp_path / "texts.txt", folder):
        done = faa("analyze", "demo", "--texts", str(place), "--json")
        assert done.returncode == 0, done.stderr
        outputs.append(json.loads(done.stdout))
    assert outputs[0] == outputs[1]
    plain = outputs[0]
    assert plain["schema"] == "faa.replication/1"
    assert plain["texts"] == 3
    head = plain["heads"][8]
    assert head["previous_token"]["low"] <= head["previous_token"]["excess"] <= head["previous_token"]["high"]
    assert head["previous_token"]["texts"] == 3
    assert sum(head["labels"].values()) == 3


def test_tables_are_printed_without_json(faa, tmp_path: Path) -> None:
    (tmp_path / "texts.txt").write_text("\n".join(text.replace("\n", " ") for text in TEXTS))
    table = faa("analyze", "demo", "--texts", str(tmp_path / "texts.txt")).stdout
    assert "3 texts of" in table
    assert "previous token 3" in table
    table = faa("analyze", "demo", "--text", TEXT, "--test", "D1", "--replicates", "19", "--layer", "1").stdout
    assert "p D1" in table
    assert "Benjamini-Hochberg" in table


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("analyze", "demo@init", "--null", "init", "--text", "a b"), "is at random initialisation itself"),
        (("analyze", "demo", "--texts", "nowhere.txt"), "nowhere.txt"),
        (("analyze", "demo", "--texts", "{one}"), "holds 1 text"),
        (("analyze", "demo", "--test", "colour", "--text", "a"), "invalid choice"),
        (("analyze", "demo", "--test", "D1", "--replicates", "5", "--text", "a"), "19 or more"),
        (("analyze", "demo", "--texts", "{one}", "--probe"), "goes with none of"),
        (("examine", "demo", "9.0", "--text", "a b"), "no decoder layer 9"),
        (("examine", "demo", "one", "--text", "a b"), "does not name a map"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_a_reason(faa, tmp_path: Path, arguments, words) -> None:
    (tmp_path / "one.txt").write_text("only one line\n")
    done = faa(*(argument.format(one=tmp_path / "one.txt") for argument in arguments))
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_one_head_at_length(faa) -> None:
    done = faa("examine", "demo", "1.0", "--text", TEXT, "--json")
    assert done.returncode == 0, done.stderr
    plain = json.loads(done.stdout)
    quantities = plain["quantities"]
    assert {"D0", "D0_offsets", "D1", "D2", "D_inf", "alpha_width", "D_surface", "lacunarity[8]"} <= quantities.keys()
    assert {"effective_rank", "stable_rank", "coverage_90", "gini", "recall_a_shape", "divergence"} <= quantities.keys()
    # A previous-token head is a line: nearly one-dimensional, and of full rank.
    assert quantities["D1"]["effective"] == pytest.approx(1.1, abs=0.15)
    assert quantities["effective_rank"]["value"] > 0.8 * plain["queries"]
    assert quantities["coverage_90"]["value"] < 2
    spectrum = [row["D_q"] for row in plain["spectrum"]]
    assert spectrum == sorted(spectrum, reverse=True)
    assert len(plain["curves"]["D1"]["scales"]) == len(plain["curves"]["D1"]["ordinate"])
    table = faa("examine", "demo", "1.0", "--text", TEXT).stdout
    assert "information dimension" in table
    assert "previous token" in table


def test_one_token_has_nothing_to_examine_but_says_so(faa) -> None:
    done = faa("examine", "demo", "0.0", "--text", "a", "--json")
    assert done.returncode == 0, done.stderr
    quantities = json.loads(done.stdout)["quantities"]
    assert quantities["D1"]["status"] == "too_few_scales"
    assert quantities["D1"]["value"] is None
