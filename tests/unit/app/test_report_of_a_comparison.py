"""The key ``e`` on the screen of a comparison, and where reports are put."""

import asyncio
import os
import re
from xml.etree import ElementTree

import pytest

from faa_tui import reports


@pytest.fixture
def report(start, tmp_path, monkeypatch):
    """Opens the application on a comparison, does something with it, presses ``e``, and returns the page."""
    monkeypatch.chdir(tmp_path)

    def written(other, prepare=None, text=None):
        async def body():
            async with start(text=text, others=(other,), wait=False) as session:
                await session.until(lambda: session.app.desk is not None and session.app.desk.comparing.comparisons)
                if prepare is not None:
                    await prepare(session)
                await session.press("e")
                await session.until(lambda: list(tmp_path.glob("*.html")) and said_of(session))
                (path,) = tmp_path.glob("*.html")
                assert said_of(session) == [str(path)]

        asyncio.run(body())
        (path,) = tmp_path.glob("*.html")
        return path.read_text(encoding="utf-8")

    return written


def said_of(session):
    return [note.message for note in session.app._notifications if note.title == "Report"]


def scales(page):
    return re.findall(r'<figure class="map" data-scale="(\w+)"', page)


def test_e_writes_the_comparison_that_is_on_the_screen_with_maps_of_the_pairs(report):
    page = report("demo@init")
    assert "32 pairs of heads of demo (A) and demo@init (B)" in page
    found = scales(page)
    assert len(found) >= 4 * 3
    assert found == ["weight", "weight", "difference"] * (len(found) // 3)
    assert "common segments" not in page


def test_maps_of_models_with_other_tokens_are_those_of_common_segments(report):
    page = report("halves")
    assert "difference" in scales(page)
    assert "over the common segments of the text" in page


def test_curves_and_maps_are_of_the_text_on_the_screen(report, tmp_path):
    texts = ("one two three four", "five six seven eight nine")

    async def look_at_the_second(session):
        comparing = session.app.desk.comparing
        comparing.with_texts(texts)
        session.app.desk.screen._changed()
        await session.until(lambda: comparing.comparisons and len(comparing.complete_texts()) == 2)
        await session.until(lambda: all(len(one.a.tokens) == 2 for one in comparing.comparisons.values()))
        comparing.text = 1

    page = report("demo@init", look_at_the_second)
    assert "Curves and maps are of text 2 of 2." in page
    assert texts[1] in page
    assert texts[0] not in page
    assert "difference" in scales(page)


def test_maps_that_the_worker_has_let_go_are_left_out(report):
    async def lose_the_maps(session):
        fleet, (run,) = session.app.fleet, session.app.desk.comparing.sides[1].runs
        await session.until(lambda: session.app.desk.at_rest)
        fleet.release(run.number)

    page = report("demo@init", lose_the_maps)
    assert scales(page) == []
    assert "No maps were at hand." in page


def test_a_picture_of_the_screen_is_an_svg_that_asks_for_nothing(start, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "faa-demo.svg"

    async def body():
        async with start(text="one two three") as session:
            await session.press("E")
            await session.until(lambda: str(path) in [note.message for note in session.app._notifications])

    asyncio.run(body())
    picture = ElementTree.fromstring(path.read_text(encoding="utf-8"))
    assert picture.tag.endswith("svg")
    words = "".join(picture.itertext())
    assert "Box\xa0counting" in words
    assert "font-face" not in words


def test_a_folder_that_cannot_be_written_gives_way_to_the_users_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert reports.folder() == tmp_path
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert reports.folder().name == "reports"
    assert tmp_path not in reports.folder().parents


def test_names_are_harmless_and_numbered(tmp_path):
    names = [reports.write_numbered(tmp_path / "new", ["../x y", "gpu7:a/b@main"], b"x").name for _ in range(2)]
    assert names == ["faa-x-y-gpu7-a-b-main.html", "faa-x-y-gpu7-a-b-main-2.html"]
    assert reports.write_numbered(tmp_path, ["€"], b"x").name == "faa-report.html"
