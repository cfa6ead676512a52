"""``faa runs`` as a user meets it: kept by the commands, shown again without a model."""

from __future__ import annotations

import json
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
