"""The page itself: what is hostile comes out as text, nothing is loaded, and it stays small."""

from __future__ import annotations

import base64
import csv
import gzip
import io
import json
import re
from hashlib import sha256
from html.parser import HTMLParser

import msgspec
import numpy as np
import pytest

from faa_core.comparison.alignment import align
from faa_core.comparison.compare import compare
from faa_core.replication import replicate
from faa_core.report import (
    ComparedPart,
    HeadMap,
    MeasuredPart,
    PairFrame,
    ReplicatedPart,
    Report,
    chosen_heads,
    chosen_over_texts,
    chosen_pairs,
    map_level,
    render,
)

SCRIPT = "<script>alert(1)</script>"
HOSTILE = (
    *(SCRIPT, '"><img src=x onerror=alert(2)>', "' onload='alert(3)", "</pre><svg/onload=alert(4)>", "</style>", "-->"),
    *("\u202eright to left\u2066", "\u200b\u00ad\ufeff", "\x00\x1b[31m\x07\x7f\x9b", "\u2028\u2029", "{{ 7 * 7 }}"),
    *("&lt;b&gt;", "javascript:alert(5)", "]]>", "a\u0301\u0301\u0301\u0301\u0301"),
)
EMPTY_TAGS = {"meta", "img", "input", "path", "circle", "br"}


class Reader(HTMLParser):
    """Collects elements, attributes, cells of tables and text; scripts and style sheets apart."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.cells: list[str] = []
        self.open: list[str] = []
        self.code: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(page)
        self.close()

    def handle_starttag(self, tag, attrs) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in EMPTY_TAGS:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data) -> None:
        if self.open and self.open[-1] in self.code:
            self.code[self.open[-1]].append(data)
        else:
            self.text += data
            if self.open[-1:] == ["td"]:
                self.cells.append(data)


def maps_of(run, heads=None, seed=0):
    rng = np.random.default_rng(seed)
    made = []
    for chosen in heads or chosen_heads(run):
        layer = chosen.layer
        level = map_level(layer.queries, layer.keys)
        cells = -(-layer.queries >> level)
        weights = np.tril(rng.uniform(0, 1, (cells, cells)).astype(np.float32))
        made.append(HeadMap(layer.info.kind, layer.info.layer, chosen.head, weights, 1 << level))
    return tuple(made)


def compared(a, b, references=None):
    """A comparison of two runs of the same tokens, with maps of noise."""
    rng = np.random.default_rng(0)
    comparison = compare([a], [b], references=references)
    over = align([a.tokens, b.tokens], a.text)
    frames = [PairFrame.of(one.pair, (over, over), (0, 1), (a, b)) for one in chosen_pairs(comparison)]
    maps = [frame.maps(*rng.uniform(0, 1, (2, *frame.shape))) for frame in frames]
    return ComparedPart(comparison, (a, b), tuple(maps))


def over_texts(first, *others):
    """Several texts, with maps of noise on the first."""
    replication = replicate([first, *others])
    return ReplicatedPart(replication, first, maps_of(first, chosen_over_texts(replication, first)))


def page_of(run, title="A report") -> str:
    return render(Report(title, "today", (MeasuredPart(run, maps=maps_of(run)),)))


@pytest.fixture(scope="module")
def hostile(run_of) -> str:
    run = run_of(HOSTILE * 2, reference=SCRIPT)
    run = msgspec.structs.replace(run, notes=HOSTILE)
    other = msgspec.structs.replace(run_of(HOSTILE * 2, dimension=1.5, reference=SCRIPT), notes=HOSTILE)
    pair = compared(run, other, (SCRIPT, HOSTILE[1]))
    parts = (MeasuredPart(run, maps=maps_of(run)),), (pair,), (over_texts(run, other),)
    return render(Report(SCRIPT, HOSTILE[1], *parts))


def test_hostile_texts_make_no_element_and_no_attribute(hostile, run_of) -> None:
    found, plain = Reader(hostile), Reader(page_of(run_of()))
    assert found.open == []
    assert [tag for tag, _ in found.elements].count("script") == 1
    assert found.code["script"] == plain.code["script"]
    assert {tag for tag, _ in found.elements} <= {tag for tag, _ in plain.elements} | {"ul", "h5", "i"}
    for _, attributes in found.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert not attributes.get("href", "").startswith("javascript:")


def test_hostile_texts_are_all_there_to_read(hostile) -> None:
    text = Reader(hostile).text
    for part in (SCRIPT, '"><img src=x onerror=alert(2)>', "</pre><svg/onload=alert(4)>", "{{ 7 * 7 }}", "&lt;b&gt;"):
        assert part in text
    for part in ("\\u{202e}right to left\\u{2066}", "\\u{200b}\\u{ad}\\u{feff}", "␀␛[31m␇␡\\u{9b}", "\\u{2028}"):
        assert part in text


def test_no_character_that_turns_hides_or_commands_is_in_the_page(hostile) -> None:
    outside = re.sub(r"data:[\w/+.-]+;base64,[\w+/=]+", "", hostile)
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]", outside)


def test_the_names_of_tokens_in_a_map_stay_a_list_in_an_attribute(hostile) -> None:
    named = [attributes for _, attributes in Reader(hostile).elements if "data-rows" in attributes]
    assert named
    for attributes in named:
        rows = json.loads(attributes["data-rows"])
        assert len(rows) == 2 * len(HOSTILE)
        assert rows[0] == "0 <script>alert…"
    assert len([attributes for attributes in named if attributes["data-scale"] == "difference"]) >= 1


def test_the_policy_lets_nothing_load_and_only_the_own_script_run(hostile) -> None:
    found = Reader(hostile)
    metas = [attributes for tag, attributes in found.elements if tag == "meta"]
    policy = next(one["content"] for one in metas if one.get("http-equiv") == "Content-Security-Policy")
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules.keys() == {"default-src", "style-src", "script-src", "img-src", "base-uri", "form-action"}
    assert rules["default-src"] == rules["base-uri"] == rules["form-action"] == "'none'"
    assert rules["img-src"] == "data:"
    for rule, tag in (("script-src", "script"), ("style-src", "style")):
        digest = base64.b64encode(sha256("".join(found.code[tag]).encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"
    # A policy governs what comes after it.
    assert [tag for tag, _ in found.elements].index("meta") < [tag for tag, _ in found.elements].index("style")


def test_no_address_outside_the_page_is_loaded(hostile) -> None:
    found = Reader(hostile)
    assert not {tag for tag, _ in found.elements} & {
        "link",
        "iframe",
        "object",
        "embed",
        "base",
        "form",
        "audio",
        "video",
    }
    for _, attributes in found.elements:
        assert all(attributes[name].startswith("data:") for name in ("src", "srcset", "poster") if name in attributes)
        assert attributes.get("href", "#").startswith(("#", "data:"))
    code = "".join(found.code["style"] + found.code["script"])
    assert not re.search(r"https?:|//\w|@import|url\(|fetch\(|XMLHttpRequest|WebSocket|innerHTML|eval\(", code)


def test_every_link_inside_the_page_leads_somewhere_and_no_name_is_given_twice(hostile, run_of) -> None:
    for page in (hostile, page_of(run_of(status="no_scaling", label="previous token"))):
        elements = Reader(page).elements
        ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        links = {attributes["href"][1:] for _, attributes in elements if attributes.get("href", "").startswith("#")}
        assert links <= set(ids)


def test_a_slope_without_scaling_is_in_parentheses_in_the_table_and_undefined_is_a_dash(run_of) -> None:
    slopes, none = Reader(page_of(run_of(status="no_scaling"))), Reader(page_of(run_of(status="empty")))
    assert "(1.20)" in slopes.text
    assert "A number in parentheses is a slope where no one power law holds." in slopes.text
    assert "(" not in "".join(none.cells)
    assert not {"nan", "None", "inf"} & set(none.cells)
    assert "-" in none.cells


def test_the_numbers_inside_are_those_of_the_run(run_of) -> None:
    run = run_of()
    links = {
        attributes["download"]: base64.b64decode(attributes["href"].partition("base64,")[2])
        for _, attributes in Reader(page_of(run)).elements
        if "download" in attributes
    }
    assert set(links) == {"run.json", "run.csv"}
    assert json.loads(links["run.json"])["model"] == "toy"
    rows = list(csv.DictReader(io.StringIO(links["run.csv"].decode())))
    assert len(rows) == 6 * len(run.layers[0].statistics.names)
    first = next(row for row in rows if row["statistic"] == "D1")
    assert (first["value"], first["se"], first["null"], first["status"]) == ("1.2", "0.03", "2", "ok")


def test_the_same_run_makes_the_same_page(run_of) -> None:
    assert page_of(run_of()) == page_of(run_of())


def test_a_run_without_maps_says_so_and_still_has_its_numbers(run_of) -> None:
    text = Reader(render(Report("x", measured=(MeasuredPart(run_of()),)))).text
    assert "Heads worth a look" in text
    assert "D1 is 1.20" in text


def test_a_report_of_32_by_32_heads_on_a_long_text_is_at_most_5_megabytes(run_of) -> None:
    # Noise is what packs worst: a measured map is smaller.
    rng = np.random.default_rng(0)
    words = [f" {word:x}" for word in rng.integers(0, 1 << 20, 4096)]
    run = run_of(words, layers=32, heads=32, label="previous token")
    size = len(page_of(run).encode())
    assert 500_000 < size <= 5_000_000
    found = Reader(page_of(run))
    assert len([1 for tag, _ in found.elements if tag == "tr"]) > 1024
    packed = [attributes for _, attributes in found.elements if attributes.get("download", "").endswith(".gz")]
    for one in packed:
        assert gzip.decompress(base64.b64decode(one["href"].partition("base64,")[2]))


def test_a_comparison_shows_three_maps_of_each_pair_and_links_them_from_the_table(run_of) -> None:
    found = Reader(render(Report("x", compared=(compared(run_of(), run_of(dimension=1.5)),))))
    scales = [attributes["data-scale"] for _, attributes in found.elements if "data-scale" in attributes]
    assert scales == ["weight", "weight", "difference"] * 4
    cards = [attributes["id"] for tag, attributes in found.elements if tag == "article"]
    links = [attributes["href"][1:] for _, attributes in found.elements if "-head-" in attributes.get("href", "")]
    assert sorted(links) == sorted(cards)
    assert "Largest difference in D1." in found.text
    assert "largest weight" not in found.text  # every weight is a pixel


def test_a_comparison_without_maps_still_has_its_curves_and_says_so(run_of) -> None:
    runs = run_of(), run_of(dimension=1.5)
    text = Reader(render(Report("x", compared=(ComparedPart(compare(*([run] for run in runs)), runs),)))).text
    assert "No maps were at hand." in text
    assert "Box counting, head A 0.0 and B 0.0" in text


def test_maps_of_a_comparison_over_texts_say_of_which_text_they_are(run_of) -> None:
    a = [run_of(("one", " two", f" {place}") * 5) for place in range(3)]
    b = [run_of(("one", " two", f" {place}") * 5, dimension=1.3 + 0.1 * place) for place in range(3)]
    part = compared(a[1], b[1])
    part = msgspec.structs.replace(part, comparison=compare(a, b), text=1)
    assert "Curves and maps are of text 2 of 3." in Reader(render(Report("x", compared=(part,)))).text


def test_several_texts_of_one_model_have_maps_of_the_first_and_say_so(run_of) -> None:
    runs = [run_of(("one", " two", f" {place}") * 5, dimension=1.3 + 0.1 * place) for place in range(3)]
    found = Reader(render(Report("x", replicated=(over_texts(*runs),))))
    assert "curves and maps are of the first text alone" in found.text
    assert found.text.count(runs[0].text) == 1
    assert runs[1].text not in found.text
    assert len([1 for _, attributes in found.elements if "data-scale" in attributes]) == 4


@pytest.mark.parametrize("several", [1, 3])
def test_comparisons_of_32_by_32_heads_on_a_long_text_are_at_most_5_megabytes(run_of, several) -> None:
    rng = np.random.default_rng(0)
    words = [f" {word:x}" for word in rng.integers(0, 1 << 20, 4096)]
    a, b = (run_of(words, layers=32, heads=32, dimension=dimension) for dimension in (1.2, 1.5))
    page = render(Report("x", compared=(compared(a, b),) * several))
    pictures = [attributes["src"] for tag, attributes in Reader(page).elements if tag == "img"]
    assert sum(map(len, pictures)) <= 1_510_000
    assert 300_000 < len(page.encode()) <= 5_000_000
    assert 'download="comparison.json.gz"' in page


def test_texts_of_32_by_32_heads_are_at_most_5_megabytes(run_of) -> None:
    rng = np.random.default_rng(0)
    words = [f" {word:x}" for word in rng.integers(0, 1 << 20, 4096)]
    runs = [run_of(words, layers=32, heads=32, dimension=dimension) for dimension in (1.2, 1.5, 1.6)]
    page = render(Report("x", replicated=(over_texts(*runs),)))
    assert 500_000 < len(page.encode()) <= 5_000_000
