"""The key ``e`` on the screen of a comparison, and where reports are put."""

import asyncio
import os
from xml.etree import ElementTree

from faa_tui import reports


def test_e_writes_the_comparison_that_is_on_the_screen(start, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "faa-demo-demo-init.html"

    async def body():
        async with start(others=("demo@init",), wait=False) as session:
            await session.until(lambda: session.app.desk is not None and session.app.desk.comparing.comparisons)
            await session.press("e")
            await session.until(lambda: str(path) in [note.message for note in session.app._notifications])

    asyncio.run(body())
    assert "32 pairs of heads of demo (A) and demo@init (B)" in path.read_text(encoding="utf-8")


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
