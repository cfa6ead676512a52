"""The key ``e``: what is on the screen becomes a file, and the screen says where."""

import asyncio

import pytest

from faa_core.report import MOST_MAPS


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    own = tmp_path / "here"
    own.mkdir()
    monkeypatch.chdir(own)
    return own


def said_of(session):
    return [note.message for note in session.app._notifications if note.title == "Report"]


def test_e_writes_the_run_with_maps_and_says_where(start, folder):
    first, second = folder / "faa-demo.html", folder / "faa-demo-2.html"

    async def use():
        async with start() as session:
            await session.press("e")
            await session.until(lambda: said_of(session) == [str(first)])
            before = first.read_bytes()
            await session.press("e")
            await session.until(lambda: str(second) in said_of(session))
            assert first.read_bytes() == before

    asyncio.run(use())
    page = first.read_text(encoding="utf-8")
    assert 0 < page.count('<figure class="map"') <= MOST_MAPS
    assert "Content-Security-Policy" in page
    assert sorted(folder.iterdir()) == [second, first]


def test_without_a_complete_run_nothing_is_written_and_that_is_said(start, folder):
    async def use():
        async with start(text="%fail no", wait=False) as session:
            await session.until_phase("FAILED")
            await session.press("e")
            await session.until(lambda: said_of(session) == ["There is no complete run to report yet."])

    asyncio.run(use())
    assert list(folder.iterdir()) == []


def test_a_report_that_nobody_foresaw_to_fail_is_told_and_is_not_the_last(start, folder, monkeypatch):
    def fail(report):
        raise ZeroDivisionError

    async def use():
        async with start() as session:
            with monkeypatch.context() as broken:
                broken.setattr("faa_tui.application.reports.render", fail)
                await session.press("e")
                await session.until(lambda: said_of(session) == ["It could not be written."])
            await session.press("e")
            await session.until(lambda: str(folder / "faa-demo.html") in said_of(session))

    asyncio.run(use())
