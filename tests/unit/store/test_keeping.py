"""What commands do with the file: a fault is a line and no error, and what is kept is listed and shown."""

from __future__ import annotations

import json

import pytest

from faa_core.records import Analysis
from faa_core.replication import replicate
from faa_core.store import Store
from faa_tui import paths
from faa_tui.cli.analyze_table import replication_table
from faa_tui.cli.kept import keep
from faa_tui.cli.main import main
from faa_tui.cli.narration import printing_console

Runs = dict[str, tuple[Analysis, ...]]


def test_a_run_that_cannot_be_kept_is_one_line(run: Analysis, capsys: pytest.CaptureFixture[str]) -> None:
    paths.state().parent.mkdir(parents=True, exist_ok=True)
    paths.state().write_text("a file where the folder should be")
    keep(lambda store: store.save(run))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith(f"faa: The kept runs in {paths.runs()} cannot be used: ")


def test_a_damaged_file_is_told_and_a_new_one_begun(run: Analysis, capsys: pytest.CaptureFixture[str]) -> None:
    paths.state().mkdir(parents=True)
    paths.runs().write_bytes(b"no database at all " * 200)
    keep(lambda store: store.save(run))
    assert "is now runs.sqlite.damaged-1, and a new one is begun" in capsys.readouterr().err
    assert (paths.state() / "runs.sqlite.damaged-1").read_bytes().startswith(b"no database")
    with Store(paths.runs()) as store:
        assert [entry.id for entry in store.entries()] == [1]


def test_means_over_texts_are_listed_and_shown_again(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    replication = replicate(runs["demo"])
    keep(lambda store: store.save_texts(replication, runs["demo"]))
    console = printing_console()
    console.print(replication_table(replication, None, console.width))
    printed = capsys.readouterr().out
    assert main(["runs", "show", "last"]) == 0
    assert capsys.readouterr().out == printed
    assert main(["runs"]) == 0
    (line,) = capsys.readouterr().out.splitlines()[1:]
    assert "2 texts" in line
    assert main(["runs", "--parts", "--most", "2"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]] == ["3", "2"]


def test_listing_makes_no_file(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert main(["runs", "--json"]) == 0
    assert json.loads(capsysbinary.readouterr().out)["runs"] == []
    assert main(["runs", "delete", "1"]) == 2
    assert not paths.runs().exists()


def test_deleting_all_leaves_an_empty_list(run: Analysis, capsys: pytest.CaptureFixture[str]) -> None:
    keep(lambda store: store.save(run))
    assert main(["runs", "delete", "1"]) == 0
    assert main(["runs"]) == 0
    assert capsys.readouterr().out == "Deleted run 1.\nNo runs are kept.\n"
    assert main(["runs", "show", "last"]) == 2
