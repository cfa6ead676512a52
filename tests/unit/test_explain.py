"""The pages: one for each quantity, complete, consistent with the code, and found by any of their names."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
import torch

from faa_core.catalogue import BY_KEY, ENTRIES, KEYS
from faa_core.errors import UsageError
from faa_core.explain import CONCEPTS, NAMES, SECTIONS, find, groups, page, title
from faa_core.findings import SURROGATES
from faa_core.geometry import Support
from faa_core.heads.coverage import coverage
from faa_core.heads.examination import examine
from faa_core.heads.labels import RULES
from faa_core.heads.measurement import uniform_layer
from faa_core.heads.meter import LayerMeter
from faa_core.heads.rank import ranks
from faa_core.records import CORNER, STATUS_MEANING, STATUSES, LayerInfo

TOKENS = 16


def flat(text: str) -> str:
    """Without line breaks, as a reader sees it."""
    return " ".join(text.split())


def test_pages_and_names_match_one_to_one() -> None:
    found = {path.name for path in files("faa_core").joinpath("pages").iterdir() if path.name.endswith(".md")}
    assert found == {f"{name}.md" for name in NAMES}
    assert len(set(NAMES)) == len(NAMES)
    assert set().union(*groups().values()) == set(NAMES)


@pytest.mark.parametrize("key", KEYS)
def test_a_quantity_has_its_facts_and_every_section_in_order(key: str) -> None:
    entry, text = BY_KEY[key], page(key)
    assert text.startswith(f"# {entry.title}\n")
    for fact in (entry.symbol, entry.group, entry.definition, entry.null, entry.source):
        assert fact in flat(text)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == list(SECTIONS)
    for section in re.split(r"^## .*$", text, flags=re.MULTILINE)[1:]:
        assert len(section.split()) >= 4


@pytest.mark.parametrize("name", NAMES)
def test_line_breaks_make_no_list_or_quotation_out_of_a_formula(name: str) -> None:
    before = ""
    for line in page(name).splitlines():
        if re.match(r"\s*(?:[-+*>#=]+|\d+[.)])(?:\s|$)", line):
            assert line.startswith(("- ", "# ", "## "))
            assert not before or before.startswith(("- ", "  ")), f"{line!r} continues {before!r}"
        before = line


@pytest.mark.parametrize("name", NAMES)
def test_names_in_code_type_exist(name: str) -> None:
    known = {*NAMES, *STATUSES, *SURROGATES, "ok", "init", "mixed", "undefined", "x"}
    for quoted in re.findall(r"`([^`]*)`", page(name)):
        if quoted.isidentifier():
            assert quoted in known


def reasons(key: str) -> set[str]:
    """Statuses that the page of a quantity names where it says when there is no value, or no more than 0."""
    section = page(key).split("## When it is undefined")[1].split("\n## ")[0]
    return set(re.findall(r"`(\w+)`", section)) & set(STATUSES)


def heads(n: int) -> torch.Tensor:
    """Causal heads [8, n, n]: even, noise of two strengths, a sink, recency, the token before, one key, and NaN."""
    support, place = Support.causal(n), torch.arange(n)
    even, mask = support.uniform(), support.mask()
    noise = torch.randn(n, n, generator=torch.Generator().manual_seed(0))
    on_first = torch.nn.functional.one_hot(torch.zeros(n, dtype=torch.int64), n).float()

    def softmax(logits: torch.Tensor) -> torch.Tensor:
        return torch.softmax(logits.masked_fill(~mask, -torch.inf), -1)

    near = softmax(-(place[:, None] - place).abs() / 16.0)
    before = torch.nn.functional.one_hot((place - 1).clamp(min=0), n).float()
    made = [even, softmax(noise), softmax(3 * noise), 0.4 * even + 0.6 * on_first, near, before, on_first]
    return torch.stack([*made, torch.full((n, n), torch.nan)])


@pytest.mark.parametrize("n", [16, 80, 256])
def test_a_number_takes_no_status_that_its_page_leaves_out(n: int) -> None:
    support, maps = Support.causal(n), heads(n)
    info = LayerInfo("decoder", 0, len(maps), "causal")
    meter = LayerMeter(info, support, (), ())
    meter.add(0, maps)
    result = meter.finish()
    for row, key in enumerate(result.statistics.names):
        taken = {STATUSES[code] for code in result.statistics.status[row]} - {"ok"}
        assert taken <= reasons(key), f"{key} of a run"
    for head in range(len(maps)):
        examined = examine(result, head, maps[head], support, [(0, maps)], lambda: None)
        for quantity in examined.quantities:
            key = quantity.name.partition("[")[0]
            assert {quantity.status} - {"ok"} <= reasons(key), f"{quantity.name} of head {head}"


def test_the_page_of_statuses_has_them_all_with_their_meaning() -> None:
    text = flat(page("status"))
    for name, meaning in STATUS_MEANING.items():
        assert f"`{name}`: {meaning}" in text
    assert "{" not in text


def test_the_page_of_labels_has_the_rules_in_their_order() -> None:
    lines = re.findall(r"^- (.*?): `(\w+)` > ([\d.]+)", page("label"), re.MULTILINE)
    assert [(name, key, float(least)) for name, key, least in lines] == [
        (rule.name, rule.statistic, rule.threshold) for rule in RULES
    ]


def test_the_page_of_nulls_has_every_surrogate() -> None:
    assert all(f"`{name}`" in page("null") for name in SURROGATES)


def test_stated_values_of_even_attention_are_those_that_are_measured() -> None:
    support = Support.causal(TOKENS)
    even = support.uniform()
    measured = dict(uniform_layer("decoder", support.identity, (1, 2, 3, 4) * 4, "cpu").values)
    order, held = ranks(even, "causal"), coverage(even, "causal")
    measured |= {"effective_rank": float(order.effective), "stable_rank": float(order.stable)}
    measured |= {"coverage_90": float(held.keys[0]), "coverage_99": float(held.keys[1])}
    checked = set()
    for key, value in measured.items():
        stated = re.search(r"even causal attention (?:over 16 tokens )?has (\d+\.\d+)", flat(page(key)), re.IGNORECASE)
        if stated:
            digits = len(stated[1].partition(".")[2])
            assert float(stated[1]) == pytest.approx(value, abs=0.51 * 10**-digits), key
            checked.add(key)
    assert {"entropy", "previous_token", "column_collapse", "stable_rank", "coverage_90"} <= checked
    assert len(checked) >= 17


@pytest.mark.parametrize("window", [1, 4, 16, 64, 256])
def test_stated_local_masses_are_the_closed_form(window: int) -> None:
    stated = re.search(r"Even causal attention has ([\d.]+), ([\d.]+) and ([\d.]+) over", flat(page(f"local_{window}")))
    assert stated
    for text, n in zip(stated.groups(), (16, 256, 1024), strict=True):
        assert float(text) == pytest.approx(sum(min(i, window + 1) / i for i in range(1, n + 1)) / n, abs=1e-6)


def test_the_corner_of_variability_is_the_one_that_is_kept() -> None:
    assert f"first {CORNER} positions" in flat(page("variability"))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.key)
def test_a_key_a_symbol_and_a_title_mean_the_same_page_in_any_case(entry) -> None:
    for name in (entry.key, entry.key.upper(), entry.symbol, entry.symbol.lower(), entry.title, entry.title.upper()):
        assert find(name) == entry.key


def test_concepts_are_found_by_name_and_title() -> None:
    for name in CONCEPTS:
        assert find(name) == find(name.upper()) == find(title(name)) == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("lacunarity[8]", "lacunarity"),
        (" h/LN n ", "normalised_entropy"),
        ("p-value", "p_value"),
        ("d-inf", "D_inf"),
        ("loc 16", "local_16"),
    ],
)
def test_other_ways_to_write_a_name(text: str, name: str) -> None:
    assert find(text) == name


@pytest.mark.parametrize(
    ("text", "near"),
    [("surfce", "D_surface"), ("lacunrity", "lacunarity"), ("entropie", "entropy"), ("rank", "stable_rank")],
)
def test_an_unknown_name_is_told_with_those_that_come_near(text: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"no page on '{text}'") as error:
        find(text)
    assert near in error.value.hint
    assert "faa explain" in error.value.hint
    assert error.value.exit_code == 2


@pytest.mark.parametrize("text", ["", "   ", "[8]", "zzzz"])
def test_a_name_that_nothing_comes_near_is_told_too(text: str) -> None:
    with pytest.raises(UsageError) as error:
        find(text)
    assert "Close to it" not in error.value.hint
