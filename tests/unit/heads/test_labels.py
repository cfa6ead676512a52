from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from faa_core.catalogue import BY_KEY
from faa_core.geometry import Support
from faa_core.heads.labels import MARGIN, RULES, Scores, label
from faa_core.records import Label, LayerResult, MapKind

NULL = dict.fromkeys((rule.statistic for rule in RULES), 0.05) | {"normalised_entropy": 1.0}


REST = {rule.statistic for rule in RULES if rule.without_first != "never"}


def _scores(**values: float) -> dict[str, float]:
    return dict.fromkeys(NULL, 0.01) | {"next_token": float("nan"), "dormant_rows": 0.1} | values


def _label(
    values: dict[str, float],
    null: dict[str, float] = NULL,
    kind: MapKind = "decoder",
    rest: dict[str, float] | None = None,
) -> Label:
    """The label of a head whose scores without the first token are the same, but for those in ``rest``."""
    without = {key: value for key, value in (values | (rest or {})).items() if key in REST}
    return label(Scores(values, null), Scores(without, null), kind)


def test_every_rule_rests_on_a_statistic_of_the_catalogue() -> None:
    assert all(rule.statistic in BY_KEY for rule in RULES)


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"induction": 0.9, "sink": 0.95}, "induction"),
        ({"duplicate_token": 0.5, "sink": 0.45}, "duplicate token"),
        ({"previous_token": 0.98}, "previous token"),
        ({"current_token": 0.41}, "current token"),
        ({"local_16": 0.85}, "local"),
        ({"local_16": 0.85, "previous_token": 0.5}, "previous token"),
        ({"column_collapse": 0.65, "sink": 0.35}, "vertical"),
        ({"sink": 0.31}, "sink"),
        ({"normalised_entropy": 0.95}, "diffuse"),
        ({"previous_token": 0.39, "sink": 0.29}, "mixed"),
    ],
)
def test_names(values: dict[str, float], name: str) -> None:
    assert _label(_scores(**values)).name == name


def test_a_pattern_is_not_swallowed_by_the_sink_beside_it() -> None:
    found = _label(_scores(previous_token=0.5, sink=0.45))
    assert (found.name, found.statistic, found.score, found.threshold) == (
        "previous token", "previous_token", 0.5, 0.4
    )  # fmt: skip
    assert (found.runner_up, found.runner_up_score) == ("sink", 0.45)


def test_a_mixed_head_shows_the_rule_that_came_closest() -> None:
    found = _label(_scores(sink=0.29, previous_token=0.1))
    assert (found.name, found.statistic, found.score, found.threshold) == ("mixed", "sink", 0.29, 0.3)


def test_a_short_text_does_not_make_even_attention_a_pattern() -> None:
    # Three tokens: every key gets a large share of even attention.
    null = NULL | {"sink": 0.61, "current_token": 0.61}
    found = _label(_scores(sink=0.61, current_token=0.61, normalised_entropy=1.0), null)
    assert found.name == "diffuse"
    assert _label(_scores(sink=0.75), null).threshold == pytest.approx(0.61 + MARGIN)


def test_a_text_shorter_than_the_window_is_not_local() -> None:
    null = NULL | {"local_16": 1.0}
    assert _label(_scores(local_16=1.0), null).name == "mixed"


def test_a_head_is_judged_by_what_it_does_beside_the_first_token() -> None:
    found = _label(_scores(previous_token=0.3, sink=0.7), rest={"previous_token": 0.95})
    assert (found.name, found.score, found.without_first) == ("previous token", 0.95, True)
    kept = _label(_scores(sink=0.7))
    assert (kept.name, kept.without_first) == ("sink", False)


def test_the_few_rows_of_a_dormant_head_do_not_speak_for_it() -> None:
    found = _label(_scores(sink=0.97, dormant_rows=0.9), rest={"previous_token": 0.95, "column_collapse": 0.9})
    assert found.name == "sink"
    # A pattern that shows in all keys is still seen, and the evidence says where.
    plain = _label(_scores(induction=0.6, sink=0.5, dormant_rows=0.6), rest={"induction": 0.9})
    assert (plain.name, plain.score, plain.without_first) == ("induction", 0.6, False)


def test_a_score_that_is_not_defined_without_the_first_token_is_that_of_all_keys() -> None:
    found = _label(_scores(duplicate_token=0.6), rest={"duplicate_token": float("nan")})
    assert (found.name, found.without_first) == ("duplicate token", False)


def test_next_token_is_a_pattern_of_encoders_only() -> None:
    scores = _scores(next_token=0.8)
    assert _label(scores, kind="encoder").name == "next token"
    assert _label(scores).name == "mixed"


def test_positions_mean_nothing_across_two_texts() -> None:
    assert _label(_scores(previous_token=0.9, local_16=0.9, sink=0.4), kind="cross").name == "sink"


def test_a_head_without_numbers_is_undefined() -> None:
    found = _label(dict.fromkeys([*NULL, "dormant_rows"], float("nan")))
    assert (found.name, found.runner_up) == ("undefined", "")


def test_textbook_heads_are_recognised(measure: Callable[..., LayerResult]) -> None:
    n, half = 64, 32
    ids = [*range(half), *range(half)]
    position = torch.arange(n)
    maps = torch.zeros(8, n, n)
    maps[0, position, (position - 1).clamp(min=0)] = 1
    maps[1, :half, 0] = 1
    maps[1, position[half:], position[half:] - half + 1] = 1
    maps[2, :half, 0] = 1
    maps[2, position[half:], position[half:] - half] = 1
    maps[3, :, 0] = 1
    maps[4] = Support.causal(n).uniform()
    maps[5] = Support.sliding(n, 8).uniform()
    maps[6, :, 0] = 0.8  # mostly a sink, and beside it an induction head
    maps[6] += 0.2 * maps[1]
    maps[7, :9, 0] = 1
    maps[7, 9:, 9] = 1
    names = [found.name for found in measure(maps, ids=ids).labels]
    assert names == [
        "previous token", "induction", "duplicate token", "sink", "diffuse", "local", "induction", "vertical"
    ]  # fmt: skip
