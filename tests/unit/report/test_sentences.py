"""What a report says in words: no more than its numbers bear."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from faa_core.comparison.compare import compare
from faa_core.findings import Findings, HeadTests
from faa_core.records import STATUS_MEANING
from faa_core.report.choice import chosen_heads
from faa_core.report.sentences import comparison_sentences, run_sentences, statement

GENERAL = ("this model", "the model attends", "in general, ", "always", "never", "proves", "significant")


def test_a_number_with_its_error_stands_beside_that_of_even_attention(run_of) -> None:
    said = statement(run_of().layers[0], 1, "D1")
    assert said == "D1 is 1.21 (standard error of the fit 0.03), 0.79 below the 2.00 of even attention"


def test_a_slope_without_scaling_is_called_a_slope_and_not_a_dimension(run_of) -> None:
    run = run_of(status="no_scaling")
    said = statement(run.layers[0], 0, "D1")
    assert said == "follows no one power law; slope 1.20 in place of D1, 0.80 below the 2.00 of even attention"
    sentences = run_sentences(run)
    assert not any("D1 is 1" in line for line in sentences)
    assert (
        "D1 is one power law in 0 of 6 heads; 6 follow none, and show an effective slope in parentheses." in sentences
    )


@pytest.mark.parametrize("status", ["too_few_scales", "empty", "degenerate", "non_finite"])
def test_what_is_undefined_is_said_to_be_and_why(run_of, status) -> None:
    run = run_of(status=status)
    meaning = STATUS_MEANING[status].rstrip(".")
    assert statement(run.layers[0], 0, "D1") == f"D1 is undefined: {meaning[0].lower()}{meaning[1:]}"
    sentences = run_sentences(run)
    assert any(line.startswith("The information dimension is undefined in every head") for line in sentences)
    assert not any("nan" in line.lower() for line in sentences)


def test_undefined_heads_are_counted_beside_the_others(run_of) -> None:
    mixed = run_of()
    poor = run_of(status="too_few_scales")
    both = msgspec.structs.replace(mixed, layers=(mixed.layers[0], poor.layers[1]))
    assert "D1 is one power law in 3 of 6 heads; it is undefined in 3: too few scales in 3." in run_sentences(both)


def test_a_run_where_no_head_has_even_an_entropy_ranks_none(run_of) -> None:
    run = run_of(status="empty")
    for layer in run.layers:
        layer.statistics.value[:] = np.nan
    assert any(
        line.endswith("is undefined in every head, and no head can be ranked by it.") for line in run_sentences(run)
    )


def test_one_text_is_never_generalised(run_of) -> None:
    sentences = run_sentences(run_of(label="previous token"))
    assert sentences[0] == "6 heads were measured in 2 layers, on one text of 16 tokens."
    assert sentences[-2].startswith("One text was measured, and it says nothing of a head in general")
    assert sentences[-2].endswith("Nothing here was tested: a departure on one text has no p-value.")
    assert (
        sentences[-1] == "A label is the best match to a textbook pattern, not an explanation of what the head is for."
    )
    for line in sentences[:-2]:
        assert not any(word in line for word in GENERAL), line


def test_p_values_of_one_text_do_not_reach_other_texts(run_of) -> None:
    tests = (HeadTests("D1", "rows", 99, 0, ()),)
    said = run_sentences(run_of(), Findings(tests=tests))
    assert "D1 could be tested in no head." in said
    assert "they say nothing about other texts" in said[-2]


def test_a_label_comes_with_its_score_and_what_is_needed(run_of) -> None:
    said = " ".join(run_sentences(run_of(label="previous token")))
    assert "previous token 6 (clearest 0.0, " in said
    assert "0.92 where 0.40 is needed)" in said
    assert "No head matches a textbook pattern. 6 heads match none of them and are mixed." in run_sentences(run_of())


def test_a_text_without_maps_is_said_to_have_none(run_of) -> None:
    assert run_sentences(run_of(layers=0))[0] == (
        "No layer has an attention map, so there is nothing to measure on the 16 tokens."
    )


def test_the_largest_departures_are_shown_once_each_with_all_reasons(run_of) -> None:
    chosen = chosen_heads(run_of(label="previous token"))
    assert [head.name for head in chosen] == ["0.0", "0.1", "0.2", "1.0"]
    assert chosen[0].reason == (
        "largest departure from even attention in D1; clearest match to the pattern 'previous token'"
    )


def test_one_compared_text_has_no_interval_and_says_so(run_of) -> None:
    comparison = compare([run_of()], [run_of(dimension=1.5)])
    said = comparison_sentences(comparison, "D1")
    assert "6 pairs of heads of toy (A) and toy (B) were compared on one text; the tokens are the same" in said[0]
    assert any("D1 beside its null is 0.30 higher in B (values 1.20 in A, 1.50 in B)." in line for line in said)
    assert any(line.startswith("One text was compared, so there is no p-value and no interval") for line in said)
    assert said[-1] == "Equal attention is not equal function: values and output projections were not compared."
    assert not any(word in line for line in said for word in ("interval of", "q 0", "discovery"))


def test_several_texts_have_intervals_and_what_is_no_discovery_is_called_none(run_of) -> None:
    ours = [run_of(("one", " two", f" {place}") * 5) for place in range(3)]
    others = [run_of(("one", " two", f" {place}") * 5, dimension=1.3 + 0.1 * place) for place in range(3)]
    said = comparison_sentences(compare(ours, others), "D1")
    assert "on 3 texts" in said[0]
    assert any("95% interval of the difference" in line and "which is no discovery" in line for line in said)
    assert not any(line.startswith("One text") for line in said)


def test_a_comparison_where_nothing_is_defined_says_that(run_of) -> None:
    comparison = compare([run_of(status="empty")], [run_of(status="empty")])
    said = comparison_sentences(comparison, "D1")
    assert said[1].endswith("is defined in no pair of heads on both sides, and nothing can be said of it.")
