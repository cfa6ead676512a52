"""Files are written whole or not at all, and never over another one unasked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from faa_core.errors import FileError, UsageError
from faa_core.export.files import check_target, write_whole

WRITE = """
import os, resource, sys
from pathlib import Path
from faa_core.errors import FaaError
from faa_core.export.files import write_whole
if sys.argv[2] == "full":
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
elif os.geteuid() == 0:  # whom no permission stops
    os.setgid(65534); os.setuid(65534)
try:
    write_whole(Path(sys.argv[1]), bytes(5000), force=True)
except FaaError as error:
    print(error)
"""


def written(path: Path, how: str) -> str:
    return subprocess.run([sys.executable, "-c", WRITE, path, how], capture_output=True, text=True, check=True).stdout


def test_a_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    write_whole(tmp_path / "found.csv", b"one", force=False)
    write_whole(tmp_path / "found.csv", b"two", force=True)
    assert (tmp_path / "found.csv").read_bytes() == b"two"
    assert (tmp_path / "found.csv").stat().st_mode == (tmp_path / "other").stat().st_mode
    assert sorted(os.listdir(tmp_path)) == ["found.csv", "other"]


def test_a_file_that_is_there_is_replaced_only_when_that_was_said(tmp_path: Path) -> None:
    target = tmp_path / "found.csv"
    target.write_bytes(b"mine")
    for refuse in (lambda: check_target(target, force=False), lambda: write_whole(target, b"new", force=False)):
        with pytest.raises(UsageError, match="exists already") as refused:
            refuse()
        assert "--force" in refused.value.hint
    check_target(target, force=True)
    assert target.read_bytes() == b"mine"
    assert os.listdir(tmp_path) == ["found.csv"]


def test_what_cannot_be_written_is_said_before_anything_is_run(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        check_target(tmp_path, force=True)
    with pytest.raises(UsageError, match="in a folder that does not exist"):
        check_target(tmp_path / "none" / "found.csv", force=True)
    with pytest.raises(FileError, match="cannot be written: No such file") as told:
        write_whole(tmp_path / "none" / "found.csv", b"one", force=True)
    assert told.value.exit_code == 1


def test_a_full_disk_is_a_message_and_no_half_file(tmp_path: Path) -> None:
    target = tmp_path / "found.csv"
    target.write_bytes(b"before")
    said = written(target, "full")
    assert f"{target} cannot be written" in said
    assert "Make room" in said
    assert target.read_bytes() == b"before"
    assert os.listdir(tmp_path) == ["found.csv"]


def test_a_read_only_folder_is_a_message_and_no_half_file(unwritable: Path) -> None:
    said = written(unwritable / "found.csv", "read-only")
    assert f"{unwritable / 'found.csv'} cannot be written: Permission denied" in said
    assert list(unwritable.iterdir()) == []
