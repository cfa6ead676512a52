"""``faa study`` as a user runs it: a real child, its records, its failures."""

from __future__ import annotations

import json
import signal
import subprocess
import sys

import psutil
import pytest

from faa_core.errors import UsageError, WorkerError
from faa_core.study.records import AccuracyRow
from faa_tui.cli.study import rows_of


def test_a_table_and_json_tell_the_same(faa) -> None:
    table = faa("study", "signature", "noise", "--tokens", "64")
    assert table.returncode == 0
    assert table.stderr == ""
    assert "FAA 1.0.0" in table.stdout
    done = faa("study", "signature", "noise", "--tokens", "64", "--json")
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["object"] for row in rows] == ["noise"]
    assert {row["type"] for row in rows} == {"signature"}
    for row in rows:
        assert f"{row['closed_form']:.4f}" in table.stdout
        assert f"{row['information'][0]:.3f} .. {row['information'][1]:.3f}" in table.stdout


def test_markdown_is_a_table_of_as_many_columns(faa) -> None:
    done = faa("study", "signature", "noise", "--tokens", "32", "--markdown")
    lines = done.stdout.splitlines()
    assert len(lines) == 3
    assert len({line.count("|") for line in lines}) == 1


def test_a_wrong_object_is_told_in_two_lines(faa) -> None:
    done = faa("study", "signature", "gpt5")
    assert done.returncode == 2
    assert done.stdout == ""
    assert "no object 'gpt5'" in done.stderr
    assert "demo@init" in done.stderr


def test_ctrl_c_leaves_no_process_behind() -> None:
    command = [sys.executable, "-m", "faa_tui", "study", "signature", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()
    children = psutil.Process(process.pid).children(recursive=True)
    assert children
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"interrupted" in errors
    _, alive = psutil.wait_procs(children, timeout=10)
    assert not alive


def test_a_reader_that_has_seen_enough_ends_the_study() -> None:
    command = [sys.executable, "-m", "faa_core.study", "signature", "noise", "noise", "noise", "--tokens", "32"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    first = json.loads(process.stdout.readline())
    assert first["type"] == "progress"
    process.stdout.close()
    assert process.wait(timeout=60) == 0
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


ROW = {
    "type": "accuracy",
    "what": "D_0 of sets",
    "n": "243, 256",
    "measured": None,
    "goal": 0.03,
    "unit": "RMS",
    "detail": "",
    "verdict": "MISSED",
}


def _child(*lines: str, code: int = 0) -> list[str]:
    """A study that writes these lines and ends."""
    return [sys.executable, "-c", f"import sys; sys.stdout.write({''.join(lines)!r}); sys.exit({code})"]


def test_rows_come_until_the_study_says_that_it_is_done() -> None:
    rows = list(rows_of(_child(json.dumps(ROW) + "\n", '{"type": "done"}\n')))
    assert rows == [AccuracyRow("D_0 of sets", "243, 256", None, 0.03, "RMS", "", "MISSED")]


def test_a_study_that_fails_says_why() -> None:
    failure = {"type": "failure", "kind": "usage", "message": "There is no such thing.", "hint": "Look again."}
    rows = rows_of(_child(json.dumps(ROW) + "\n", json.dumps(failure) + "\n", code=2))
    next(rows)
    with pytest.raises(UsageError, match=r"There is no such thing\. Look again\."):
        next(rows)


@pytest.mark.parametrize("last", ["", '{"type": "acc'])
def test_a_study_that_dies_is_told_from_one_that_is_done(last: str) -> None:
    rows = rows_of(_child(json.dumps(ROW) + "\n", last, code=137))
    next(rows)
    with pytest.raises(WorkerError, match="The study was killed by SIGKILL"):
        next(rows)
