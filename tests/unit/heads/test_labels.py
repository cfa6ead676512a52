from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from faa_core.catalogue import BY_KEY
from faa_core.geometry import Support
from faa_core.heads.labels import MARGIN, RULES, label
from faa_core.records import LayerResult

NULL = dict.fromkeys((rule.statistic for rule in RULES), 0.05) | {"normalised_entropy": 1.0}


def _scores(**values: float) -> dict[str, float]:
    return dict.fromkeys(NULL, 0.01) | {"next_token": float("nan")} | values


def test_every_rule_rests_on_a_statistic_of_the_catalogue() -> None:
    assert all(rule.statistic in BY_KEY for rule in RULES)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"induction": 0.9, "sink": 0.95}, "induction"),
        ({"duplicate_token": 0.5, "sink": 0.45}, "duplicate token"),
        ({"previous_token": 0.98}, "previous token"),
        ({"current_token": 0.41}, "current token"),
        ({"sink": 0.31}, "sink"),
        ({"normalised_entropy": 0.95}, "diffuse"),
        ({"previous_token": 0.39, "sink": 0.29}, "mixed"),
    ],
)
def test_names(values: dict[str, float], name: str) -> None:
    assert label(_scores(**values), NULL, "decoder").name == name


def test_a_pattern_is_not_swallowed_by_the_sink_beside_it() -> None:
    found = label(_scores(previous_token=0.5, sink=0.45), NULL, "decoder")
    assert (found.name, found.statistic, found.score, found.threshold) == (
        "previous token", "previous_token", 0.5, 0.4
    )  # fmt: skip
    assert (found.runner_up, found.runner_up_score) == ("sink", 0.45)


def test_a_mixed_head_shows_the_rule_that_came_closest() -> None:
    found = label(_scores(sink=0.29, previous_token=0.1), NULL, "decoder")
    assert (found.name, found.statistic, found.score, found.threshold) == ("mixed", "sink", 0.29, 0.3)


def test_a_short_text_does_not_make_even_attention_a_pattern() -> None:
    # Three tokens: every key gets a large share of even attention.
    null = NULL | {"sink": 0.61, "current_token": 0.61}
    found = label(_scores(sink=0.61, current_token=0.61, normalised_entropy=1.0), null, "decoder")
    assert found.name == "diffuse"
    assert label(_scores(sink=0.75), null, "decoder").threshold == pytest.approx(0.61 + MARGIN)


def test_next_token_is_a_pattern_of_encoders_only() -> None:
    scores = _scores(next_token=0.8)
    assert label(scores, NULL, "encoder").name == "next token"
    assert label(scores, NULL, "decoder").name == "mixed"


def test_positions_mean_nothing_across_two_texts() -> None:
    assert label(_scores(previous_token=0.9, sink=0.4), NULL, "cross").name == "sink"


def test_a_head_without_numbers_is_undefined() -> None:
    found = label(dict.fromkeys(NULL, float("nan")), NULL, "decoder")
    assert (found.name, found.runner_up) == ("undefined", "")


def test_textbook_heads_are_recognised(measure: Callable[..., LayerResult]) -> None:
    n, half = 64, 32
    ids = [*range(half), *range(half)]
    position = torch.arange(n)
    maps = torch.zeros(5, n, n)
    maps[0, position, (position - 1).clamp(min=0)] = 1
    maps[1, :half, 0] = 1
    maps[1, position[half:], position[half:] - half + 1] = 1
    maps[2, :half, 0] = 1
    maps[2, position[half:], position[half:] - half] = 1
    maps[3, :, 0] = 1
    maps[4] = Support.causal(n).uniform()
    names = [found.name for found in measure(maps, ids=ids).labels]
    assert names == ["previous token", "induction", "duplicate token", "sink", "diffuse"]
