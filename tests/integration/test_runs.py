"""``faa runs`` as a user meets it: kept by the commands, shown again without a model."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pandas
import pytest

from faa_core.worker.launch import LocalLaunch
from faa_tui import paths
from faa_tui.cli.main import main

TEXT = "def add(a, b):\n    return a + b\n" * 6
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def faa_here(capfdbinary: pytest.CaptureFixture[bytes]) -> Run:
    """Runs a command in this process; exit code, standard output and standard error."""

    def run(*arguments: str | Path) -> tuple[int, str, str]:
        code = main([*map(str, arguments)])
        sys.stdout.flush()
        out, err = capfdbinary.readouterr()
        return code, out.decode(), err.decode()

    return run


@pytest.fixture
def no_worker(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on, no worker can be started, so no model can be run."""

    def forbid() -> None:
        monkeypatch.setattr(LocalLaunch, "open", None, raising=False)
        monkeypatch.setattr("faa_core.worker.client.WorkerClient.start", None)

    return forbid


def test_what_was_analysed_is_shown_again_without_the_model(faa_here: Run, no_worker, tmp_path: Path) -> None:
    assert faa_here("runs")[1].startswith("No runs are kept yet")
    asked = ("--test", "D1", "--replicates", "19", "--rollout", "--text", TEXT)
    code, printed, err = faa_here("analyze", "demo", *asked)
    assert (code, err) == (0, "")
    target = tmp_path / "heads.csv"
    assert faa_here("analyze", "demo", "--text", TEXT, "--layer", "1", "-o", target) == (0, "", "")
    assert set(pandas.read_csv(target).layer) == {1}
    _, compared, _ = faa_here("compare", "demo", "demo@init", "--text", TEXT)
    no_worker()
    assert faa_here("runs", "show", "1") == (0, printed, "")
    assert faa_here("runs", "show", "last") == (0, compared, "")

    _, listed, _ = faa_here("runs")
    lines = [line.split() for line in listed.splitlines()[1:]]
    assert [(line[0], line[3]) for line in lines] == [("3", "comparison"), ("2", "analysis"), ("1", "analysis")]
    assert lines[0][4:6] == ["demo", "demo@init"]
    listed_plain = json.loads(faa_here("runs", "--json", "--parts")[1])
    assert len(listed_plain["runs"]) == 5
    first = listed_plain["runs"][-1]
    assert first["parameters"]["test"] == ["D1"]
    assert first["seed"] == 0
    assert len(first["texts"][0]) == 64

    shown = json.loads(faa_here("runs", "show", "1", "--json")[1])
    assert shown["tests"][0]["statistic"] == "D1"
    assert shown["text"] == TEXT
    for form in ("json", "csv", "npz", "parquet"):
        for number in (1, 3):
            target = tmp_path / f"{number}.{form}"
            assert faa_here("runs", "export", str(number), "-o", target) == (0, "", "")
            assert target.stat().st_size > 1000
    assert set(pandas.read_csv(tmp_path / "3.csv").b) == {"demo@init"}
    code, _, err = faa_here("runs", "export", "1", "-o", tmp_path / "1.csv")
    assert code == 2
    assert "exists already" in err
    assert "--force" in err

    code, _, err = faa_here("runs", "show", "3", "--map", "1.5")
    assert code == 2
    assert "Name one of them: 4, 5." in err
    code, _, err = faa_here("analyze", "demo", "-o", tmp_path / "1.docx")
    assert code == 2
    assert "says no form" in err

    assert faa_here("runs", "delete", "last", "2")[1] == ("Deleted runs 3, 2, and what was kept only for them: 4, 5.\n")
    assert len(faa_here("runs", "list", "--parts")[1].splitlines()) == 2
    code, _, err = faa_here("runs", "show", "3")
    assert code == 2
    assert "There is no run 3" in err
    code, _, err = faa_here("runs", "show", "newest")
    assert code == 2
    assert "'newest' is no number" in err


def test_one_head_is_shown_again_with_its_map_and_its_examination(faa_here: Run, no_worker, tmp_path: Path) -> None:
    code, examined, err = faa_here("examine", "demo", "1.5", "--text", TEXT)
    assert (code, err) == (0, "")
    code, examined_plain, _ = faa_here("examine", "demo", "1.5", "--text", TEXT, "--json")
    assert faa_here("show", "demo", "--map", "2.1", "--text", TEXT)[0] == 0
    texts = tmp_path / "texts"
    texts.write_text("one two three\nfour five six\n")
    assert faa_here("analyze", "demo", "--texts", texts)[0] == 0
    no_worker()

    entries = json.loads(faa_here("runs", "--json", "--parts")[1])["runs"]
    heads = 4 * 8
    parts, (of_texts, shown, second, first) = entries[:2], entries[2:]
    assert [entry["maps"] for entry in (shown, second, first)] == [heads] * 3
    assert of_texts["title"] == "one two three"
    assert [part["title"] for part in parts] == ["four five six", "one two three"]
    assert parts[1]["maps"] == heads
    assert 0 < parts[0]["maps"] <= 12  # of the other texts those that tell most
    assert first["examined"] == second["examined"] == 1
    assert first["parameters"]["map"] == "1.5"

    code, again, _ = faa_here("runs", "show", "1", "--map", "1.5")
    assert code == 0
    assert again.startswith(examined)
    assert "weight, log" in again[len(examined) :]
    # What cannot be the same is the time that it took: run 2 was measured anew.
    assert faa_here("runs", "show", "2", "--map", "1.5", "--json")[1] == examined_plain
    assert "Examined: 1.5." in faa_here("runs", "show", "1")[1]
    assert "largest of 2×2 weights" in faa_here("runs", "show", "3", "--map", "2.1")[1]
    exported = json.loads(faa_here("runs", "show", "2", "--json")[1])
    (head,) = [head for head in exported["heads"] if "examination" in head]
    assert (head["layer"], head["head"]) == (1, 5)
    assert head["examination"]["quantities"] == json.loads(examined_plain)["quantities"]
    code, _, err = faa_here("runs", "show", "3", "--map", "2.1", "--json")
    assert code == 2
    assert "was not examined" in err


def test_what_a_report_measures_is_kept_and_maps_of_both_sides(faa_here: Run, no_worker, tmp_path: Path) -> None:
    texts = tmp_path / "texts"
    texts.write_text("one two three\nfour five six\n")
    asked = ("--text", TEXT, "--probe", "--null", "init")
    assert faa_here("report", "demo", *asked, "-o", tmp_path / "run.html")[0] == 0
    assert faa_here("report", "demo", "--texts", texts, "-o", tmp_path / "texts.html")[0] == 0
    assert faa_here("report", "demo", "demo@init", "--texts", texts, "-o", tmp_path / "pair.html")[0] == 0
    no_worker()
    entries = json.loads(faa_here("runs", "--json", "--parts")[1])["runs"]
    kinds = [entry["kind"] for entry in entries if entry["part_of"] is None]
    assert kinds == ["comparison", "texts", "analysis"]
    of_pair = [entry for entry in entries if entry["part_of"] == entries[4]["id"]]
    assert entries[4]["kind"] == "comparison"
    # The first text is the one whose maps are shown.
    assert sorted((entry["title"], entry["maps"]) for entry in of_pair) == [
        ("four five six", 0),
        ("four five six", 0),
        ("one two three", 32),
        ("one two three", 32),
    ]
    run = entries[-1]
    assert (run["kind"], run["maps"], run["parameters"]["probe"]) == ("analysis", 32, True)
    assert json.loads(faa_here("runs", "show", str(run["id"]), "--json")[1])["probe"]["draws"] == 4
    for number in (run["id"], entries[4]["id"]):
        assert faa_here("report", str(number), "-o", tmp_path / f"{number}.html")[0] == 0


def test_a_note_is_in_the_list_and_in_the_run(faa_here: Run) -> None:
    faa_here("analyze", "demo", "--text", TEXT)
    plain = faa_here("runs")[1]
    assert "note" not in plain
    assert faa_here("runs", "note", "last", "the", "good \x1b[31mone") == (0, "", "")
    listed = faa_here("runs")[1]
    assert listed.splitlines()[0].split()[-1] == "note"
    assert "the good" in listed.splitlines()[1]
    assert "\x1b" not in listed
    assert faa_here("runs", "show", "1")[1].startswith("Note: the good")
    assert faa_here("runs", "note", "1", "") == (0, "", "")
    assert faa_here("runs")[1] == plain
    code, _, err = faa_here("runs", "note", "7", "x")
    assert code == 2
    assert "There is no run 7" in err


def test_standard_output_on_a_full_disk_is_a_message(faa_here: Run) -> None:
    faa_here("analyze", "demo", "--text", TEXT)
    for arguments in (("runs",), ("runs", "show", "1"), ("runs", "show", "1", "--json")):
        command = [sys.executable, "-m", "faa_tui", *arguments]
        with open("/dev/full", "w") as full:
            done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1
        assert done.stderr == (
            "faa: Standard output cannot be written: No space left on device.\n"
            "     Make room, or send it to another disk.\n"
        )


def test_each_command_in_a_process_of_its_own(faa: Callable[..., CompletedProcess[str]], tmp_path: Path) -> None:
    def said(*arguments: str | Path, code: int = 0) -> str:
        done = faa("runs", *arguments)
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout

    written = tmp_path / "written.npz"
    done = faa("analyze", "demo", "--text", TEXT, "-o", written)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert json.loads(said("--json"))["file"] == str(paths.runs())
    assert "demo  LlamaForCausalLM" in said("show", "last")
    found = tmp_path / "found.npz"
    said("export", "last", "-o", found)
    assert found.read_bytes() == written.read_bytes()  # bit for bit what the command wrote, from the file of runs
    found.write_bytes(b"mine")
    assert "--force" in said("export", "1", "-o", found, code=2)
    assert found.read_bytes() == b"mine"
    assert "says no form" in said("export", "1", "-o", tmp_path / "found.docx", code=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["found.npz", "written.npz"]
    assert said("delete", "1") == "Deleted run 1.\n"
    assert said() == "No runs are kept.\n"
    assert "No runs are kept" in said("show", "last", code=2)
