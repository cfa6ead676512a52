"""Folders are listed, paths completed, and what is no text is refused with the reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from faa_core import folders
from faa_core.errors import TextError
from faa_core.folders import Place, places_in, split
from faa_tui.text_files import above, completed, read, size_in_words


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prompts").mkdir()
    (tmp_path / "Primes.txt").write_text("2 3 5 7")
    (tmp_path / "prose.txt").write_text("Once upon a time")
    (tmp_path / ".hidden").write_text("x")
    (tmp_path / "esc\x1b[2J").write_text("x")
    return tmp_path


def test_folders_come_first_and_hidden_names_only_when_asked_for(folder: Path) -> None:
    found, more = places_in(folder)
    assert found == (Place("prompts", True), Place("Primes.txt", False, 7), Place("prose.txt", False, 16))
    assert more == 0
    assert [place.name for place in places_in(folder, "PRO")[0]] == ["prompts", "prose.txt"]
    assert [place.name for place in places_in(folder, ".h")[0]] == [".hidden"]


def test_a_folder_with_very_many_files_says_how_many_are_not_listed(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(folders, "MOST_ENTRIES", 3)
    for index in range(5):
        (tmp_path / f"{index}.txt").touch()
    assert [len(places_in(tmp_path)[0]), places_in(tmp_path)[1]] == [3, 2]


def test_a_path_is_completed_as_far_as_its_continuations_agree(folder: Path) -> None:
    assert completed("pro", places_in(folder, "pro")[0]) == "pro"
    assert completed("prom", places_in(folder, "prom")[0]) == "prompts/"
    assert completed("/tmp/pri", places_in(folder, "pri")[0]) == "/tmp/Primes.txt"
    assert completed("none", ()) == "none"


def test_a_typed_path_is_a_folder_and_the_beginning_of_a_name(monkeypatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    assert split("") == (Path("."), "")
    assert split("a/b/no") == (Path("a/b"), "no")
    assert split("/etc") == (Path("/"), "etc")
    assert split("~/te") == (Path("/home/ada"), "te")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", "../"),
        ("no", "../"),
        ("../", "../../"),
        ("a/", ""),
        ("a/b/c", "a/"),
        ("/etc/", "/"),
        ("/", "/"),
        ("~/", "~/../"),
    ],
)
def test_the_folder_above(typed: str, expected: str) -> None:
    assert above(typed) == expected


def test_a_text_file_is_read_whole(folder: Path) -> None:
    (folder / "ja.txt").write_text("日本語\n", encoding="utf-8")
    assert read(folder / "ja.txt") == "日本語\n"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"MZ\x00\x01text", "null bytes"),
        (b"\xff\xfe", "not UTF-8"),
        (b" \n", "empty"),
        (b"x" * (256 * 1024 + 1), "256.0 KiB"),
    ],
    ids=["null", "latin", "blank", "huge"],
)
def test_what_is_no_text_is_refused_with_the_reason(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(content)
    with pytest.raises(TextError, match=said):
        read(file)


def test_what_is_no_regular_file_is_never_opened(folder: Path) -> None:
    os.mkfifo(folder / "pipe")  # reading it would wait for ever
    for name, said in (
        ("pipe", "no regular file"),
        ("prompts", "is a folder"),
        ("nothing", "No such file"),
        ("a\0b", "no such"),
    ):
        with pytest.raises(TextError, match=said):
            read(folder / name)
    with pytest.raises(TextError, match="Not a directory"):
        places_in(folder / "prose.txt")


def test_sizes_in_words() -> None:
    assert [size_in_words(size) for size in (812, 3482, 1572864)] == ["812 B", "3.4 KiB", "1.5 MiB"]
