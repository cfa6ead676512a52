"""``faa report`` as a process, and its page in a real browser that reaches no network."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chromium import Page, program

HOSTILE = (
    "<script>alert(1)</script> \"><img src=x onerror=alert(2)> ' onload='alert(3) </pre><svg/onload=alert(4)> "
    "\u202eturned\u2066 \u200bhidden\u00ad {{ 7 * 7 }} javascript:alert(5)\n" * 3
)
TABLE = "document.querySelector('.sortable')"
ROWS = f"[...{TABLE}.querySelectorAll('tbody tr')].filter((row) => !row.hidden)"
CONTROLS = "[...document.querySelectorAll('nav, .tools, .zoom, th button')]"
LINES = (
    "def add(a, b): return a + b  # for as many numbers as there are in the list of arguments that were given",
    "for name in names: print(name, len(name), total); total += len(name); names.remove(name); print(names)",
    "class Point: x = 0; y = 0; __init__ = lambda self, x, y: setattr(self, 'x', x) or setattr(self, 'y', y)",
)
KINDS = ("plain", "comparison", "texts", "kept")
"""Pages that the tests in a browser read: a run, a comparison, a model over texts, a comparison that was kept."""
# Text by text, in CSS pixels of any kind: the smallest contrast with what is behind it (WCAG 2.2), and with which text.
CONTRAST = """(() => {
  const rgba = (text) => (text.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
  const luminance = (colour) => colour.slice(0, 3).map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, k) => sum + c * [0.2126, 0.7152, 0.0722][k], 0);
  const behind = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = rgba(getComputedStyle(one).backgroundColor);
      if (colour.length < 4 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  let worst = [21, "", 0];
  const see = (element, colour, words) => {
    const [a, b] = [luminance(rgba(colour)), luminance(behind(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    worst = contrast < worst[0] ? [contrast, words, worst[2] + 1] : [worst[0], worst[1], worst[2] + 1];
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const words = walker.currentNode.textContent.trim();
    const element = walker.currentNode.parentElement;
    if (!words || element.closest("script, title, desc") || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    see(element, element.closest("svg") ? style.fill : style.color, words);
  }
  for (const input of document.querySelectorAll("input")) {
    see(input, getComputedStyle(input, "::placeholder").color, input.placeholder);
  }
  return worst;
})()"""
COUNTS = """JSON.stringify(Object.fromEntries([...document.querySelectorAll('*')].reduce(
    (found, one) => found.set(one.tagName, (found.get(one.tagName) || 0) + 1), new Map())))"""


@pytest.fixture(scope="module")
def written(faa, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Reports of every kind of the bundled model, each by a process: what was asked for, and where it lies."""
    folder = tmp_path_factory.mktemp("reports")
    hostile, texts = folder / "hostile.txt", folder / "texts.txt"
    hostile.write_text(HOSTILE, encoding="utf-8")
    texts.write_text("\n".join(LINES), encoding="utf-8")
    asked = {
        "plain": ("report", "demo"),
        "hostile": ("report", "demo", "--file", hostile, "--title", HOSTILE),
        "texts": ("report", "demo", "--texts", texts),
        "comparison": ("compare", "demo", "--html", "--texts", texts),  # keeps what the last one reports
        "kept": ("report", "last"),
    }
    state = {f"XDG_{name}_HOME": str(folder / name.lower()) for name in ("STATE", "DATA")}
    for name, words in asked.items():
        done = faa(*words, "-o", folder / f"{name}.html", env=state)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
    return {name: folder / f"{name}.html" for name in asked}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    if program() is None and "CI" not in os.environ:
        pytest.skip("Chromium is not installed; on Debian: apt-get install chromium")
    page = Page(tmp_path_factory.mktemp("profile"))
    yield page
    page.close()


@pytest.fixture
def page(browser: Page, written: dict[str, Path]) -> Page:
    browser.size(1280)
    browser.open(written["plain"])
    return browser


@pytest.fixture(params=KINDS)
def each(request: pytest.FixtureRequest, browser: Page, written: dict[str, Path]) -> Page:
    """A page of every kind."""
    browser.size(1280)
    browser.open(written[request.param])
    return browser


def column(page: Page, name: str) -> list[str]:
    """The cells of a column of the table of heads, from the top, as far as they are shown."""
    heads = page.run(f"[...{TABLE}.querySelectorAll('thead th')].map((head) => head.dataset.name)")
    found: list[str] = page.run(f"{ROWS}.map((row) => row.cells[{heads.index(name)}].textContent)")
    return found


def sort(page: Page, name: str) -> str:
    page.run(f"{TABLE}.querySelector('th[data-name=\"{name}\"] button').click()")
    said: str = page.run(f"{TABLE}.querySelector('th[data-name=\"{name}\"]').getAttribute('aria-sort')")
    return said


def numbers(cells: list[str]) -> list[float]:
    """The defined ones; a slope stands in parentheses."""
    return [float(cell.strip("()*")) for cell in cells if cell != "-"]


def keep(page: Page, words: str) -> str:
    """Filter the table; returns what is said about it."""
    said: str = page.run(
        f"(() => {{ const input = {TABLE}.querySelector('input'); input.value = {json.dumps(words)};"
        f"input.dispatchEvent(new Event('input')); return {TABLE}.querySelector('output').textContent; }})()"
    )
    return said


def test_the_file_is_not_replaced_unless_that_is_asked_for(faa, written) -> None:
    before = written["plain"].read_bytes()
    done = faa("report", "demo", "-o", written["plain"])
    assert done.returncode == 2
    assert "--force" in done.stderr
    assert written["plain"].read_bytes() == before


def test_a_page_loads_without_a_word_on_the_console_and_asks_for_nothing(each) -> None:
    assert each.complaints == []
    addresses = [url for url in each.requests if not url.startswith("data:")]
    assert addresses == [each.run("location.href")]
    assert each.run("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")


def test_rows_of_every_table_sort_and_filter(each) -> None:
    names = each.run(f"[...{TABLE}.querySelectorAll('thead th:not(.word)')].map((head) => head.dataset.name)")
    total = len(column(each, names[0]))
    by = next(name for name in names if set(column(each, name)) != {"-"})
    assert sort(each, by) == "descending"
    down = numbers(column(each, by))
    assert down == sorted(down, reverse=True)
    assert sort(each, by) == "ascending"
    assert numbers(column(each, by)) == sorted(down)
    middle = sorted(down)[len(down) // 2]
    said = keep(each, f"{by}>{middle}")
    shown = numbers(column(each, by))
    assert said == f"{len(shown)} of {total} rows"
    assert min(shown) > middle
    assert len(shown) == sum(value > middle for value in down)
    assert keep(each, each.run(f"{TABLE}.querySelector('input').placeholder")).endswith(f"of {total} rows")
    assert each.complaints == []


def test_the_difference_of_two_maps_is_read_with_the_maps_themselves(browser, written) -> None:
    browser.open(written["comparison"])
    maps = "document.querySelector('.maps')"
    assert browser.run(f"{maps}.querySelectorAll('.map').length") == 3
    at = browser.run(
        f"(() => {{ const image = {maps}.querySelector('[data-scale=difference] img');"
        "image.scrollIntoView({block: 'center'}); const box = image.getBoundingClientRect();"
        "return [box.left + .2, box.top + .2, box.right - 1]; })()"
    )
    readings = f"[...{maps}.querySelectorAll('.reading')].map((one) => one.textContent)"
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=at[0], y=at[1])
    said = browser.run(readings)
    # The first token sees itself alone, in both models.
    assert [one.partition(": ")[2] for one in said] == [
        *["weight about 1.000"] * 2,
        "B minus A about 0.000",
    ]
    browser.call("Input.dispatchMouseEvent", type="mouseMoved", x=at[2], y=at[1])
    assert [one.partition(": ")[2] for one in browser.run(readings)] == ["not visible"] * 3
    assert browser.complaints == []


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_text_stands_out_from_what_is_behind_it(each, dark) -> None:
    each.size(1280, dark=dark)
    paper = each.run("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
    assert max(paper) < 60 if dark else min(paper) > 240
    contrast, words, seen = each.run(CONTRAST)
    assert contrast >= 4.5, words
    assert seen > 500


def test_on_paper_all_rows_are_there_and_no_control_is(each) -> None:
    keep(each, "no row is called that")
    assert each.run(f"{ROWS}.length") == 0
    seen = f"{CONTROLS}.filter((one) => one.getClientRects().length).length"
    assert each.run(seen) > 0
    each.size(1280, media="print")
    assert each.run(seen) == 0
    rows = f"[...{TABLE}.querySelectorAll('tbody tr')]"
    assert each.run(f"{rows}.every((row) => row.getClientRects().length)")
    assert each.run("[...document.querySelectorAll('.scroll')].every((box) => box.scrollHeight <= box.clientHeight)")
    assert each.print().startswith(b"%PDF")


@pytest.mark.parametrize("width", [390, 1280])
def test_names_of_keys_stand_under_their_columns_and_nothing_is_wider_than_the_window(each, width) -> None:
    each.size(width)
    assert each.run("document.documentElement.scrollWidth") == width
    off = each.run(
        "[...document.querySelectorAll('.axes')].map((one) => ["
        "one.querySelector('.columns').getBoundingClientRect(), one.querySelector('img').getBoundingClientRect()])"
        ".map(([names, map]) => Math.abs(names.left - map.left) + Math.abs(names.width - map.width))"
    )
    assert max(off, default=0) < 1
    assert each.run("[...document.querySelectorAll('.stage')].every((one) => one.scrollWidth <= one.clientWidth)")


def test_the_policy_stops_what_the_page_does_not_bring(page) -> None:
    page.run("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
    page.run("document.body.append(Object.assign(new Image(), {src: 'https://example.org/a.png'}))")
    page.run("fetch('https://example.org/').catch(() => 0)")
    assert page.run("window.ran === undefined")
    assert any("Content Security Policy" in line for line in page.complaints)


def test_rows_sort_by_numbers_and_by_words_both_ways(page) -> None:
    heads = column(page, "head")
    assert sort(page, "normalised_entropy") == "descending"
    down = [float(cell) for cell in column(page, "normalised_entropy") if cell != "-"]
    assert down == sorted(down, reverse=True)
    assert sort(page, "normalised_entropy") == "ascending"
    up = [float(cell) for cell in column(page, "normalised_entropy") if cell != "-"]
    assert up == sorted(up)
    assert sort(page, "head") == "ascending"
    assert column(page, "head") == heads
    sort(page, "score")
    scores = column(page, "score")
    assert scores == sorted(scores, key=lambda cell: (cell == "-", 0.0 if cell == "-" else -float(cell)))


def test_rows_are_filtered_by_numbers_by_words_and_by_their_contrary(page) -> None:
    total = len(column(page, "head"))
    assert keep(page, "") == f"{total} of {total} rows"
    keep(page, "D1>1.5")
    few = [float(cell.strip("()")) for cell in column(page, "D1")]
    assert 0 < len(few) < total
    assert min(few) > 1.5
    said = keep(page, "induct")
    shown = column(page, "label")
    assert said == f"{len(shown)} of {total} rows"
    keep(page, "!induct")
    assert len(shown) + len(column(page, "head")) == total
    keep(page, "layer=2")
    assert {name.partition(".")[0] for name in column(page, "head")} == {"2"}
    assert keep(page, "nothing>1") == "no column is called 'nothing'"
    assert "wants a number" in keep(page, "D1>x")
    assert page.complaints == []


def test_a_map_is_zoomed_and_read(page) -> None:
    before = page.run("document.querySelector('.map img').getBoundingClientRect().width")
    page.run("document.querySelector('.zoom button[aria-label=\"Zoom in\"]').click()")
    assert page.run("document.querySelector('.map img').getBoundingClientRect().width") == pytest.approx(2 * before)
    page.run("document.querySelector('.zoom button[aria-label=\"Whole map\"]').click()")
    at = page.run(
        "(() => { const image = document.querySelector('.map img'); image.scrollIntoView({block: 'center'});"
        "const box = image.getBoundingClientRect(); return [box.left + .2, box.top + .2, box.right - 1]; })()"
    )
    for x, said in ((at[0], "weight about 1.000"), (at[2], "not visible")):
        page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=at[1])
        assert page.run("document.querySelector('.map .reading').textContent").endswith(said)
    assert page.complaints == []


def test_hostile_text_does_nothing(browser, written) -> None:
    browser.open(written["plain"])
    kinds = set(json.loads(browser.run(COUNTS)))
    browser.open(written["hostile"])
    assert browser.complaints == []
    assert browser.requests[0] == written["hostile"].as_uri()
    assert all(url.startswith("data:") for url in browser.requests[1:])
    assert not [method for method, _ in browser.events if method == "Page.javascriptDialogOpening"]
    counts = json.loads(browser.run(COUNTS))
    assert set(counts) <= kinds
    assert counts["SCRIPT"] == 1
    assert browser.run("document.querySelector('h1').textContent").startswith('<script>alert(1)</script> "><img')
    text = browser.run("document.querySelector('pre.text').textContent")
    assert text.count("<script>alert(1)</script>") == 3
    assert "\\u{202e}turned\\u{2066}" in text
    assert keep(browser, "<img>") != ""
    assert keep(browser, "<img src=x onerror=alert(6)>") != ""
    assert not [method for method, _ in browser.events if method == "Page.javascriptDialogOpening"]
