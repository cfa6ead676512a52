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
COUNTS = """JSON.stringify(Object.fromEntries([...document.querySelectorAll('*')].reduce(
    (found, one) => found.set(one.tagName, (found.get(one.tagName) || 0) + 1), new Map())))"""


@pytest.fixture(scope="module")
def written(faa, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Reports of the bundled model on a text of its own and on a hostile one, each by a process."""
    folder = tmp_path_factory.mktemp("reports")
    made = {"plain": folder / "plain.html", "hostile": folder / "hostile.html"}
    text = folder / "hostile.txt"
    text.write_text(HOSTILE, encoding="utf-8")
    for name, more in (("plain", ()), ("hostile", ("--file", text, "--title", HOSTILE))):
        done = faa("report", "demo", "-o", made[name], *more)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        assert str(made[name]) in done.stderr
    return made


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


def column(page: Page, name: str) -> list[str]:
    """The cells of a column of the table of heads, from the top, as far as they are shown."""
    heads = page.run(f"[...{TABLE}.querySelectorAll('thead th')].map((head) => head.dataset.name)")
    found: list[str] = page.run(f"{ROWS}.map((row) => row.cells[{heads.index(name)}].textContent)")
    return found


def sort(page: Page, name: str) -> str:
    page.run(f"{TABLE}.querySelector('th[data-name=\"{name}\"] button').click()")
    said: str = page.run(f"{TABLE}.querySelector('th[data-name=\"{name}\"]').getAttribute('aria-sort')")
    return said


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


def test_the_page_loads_without_a_word_on_the_console_and_asks_for_nothing(page, written) -> None:
    assert page.complaints == []
    assert [url for url in page.requests if not url.startswith("data:")] == [written["plain"].as_uri()]
    assert page.run("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")
    assert page.run("document.querySelectorAll('.map').length") > 0


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


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_fits_the_width_of_a_window(page, width) -> None:
    page.size(width)
    assert page.run("document.documentElement.scrollWidth") == width


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
