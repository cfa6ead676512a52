"""What was on the screen is remembered, and a file that cannot be read is a remark and nothing worse."""

from __future__ import annotations

import subprocess
import sys

import pytest

from faa_tui import last_state, paths, recent
from faa_tui.last_state import LastState

STATE = LastState(
    reference="gpu7:meta-llama/Llama-3.2-1B@main",
    run=12,
    kind="decoder",
    layer=3,
    head=5,
    statistic="entropy",
    scale="log",
)


def test_what_was_remembered_comes_back_and_the_first_start_has_nothing():
    assert last_state.load() == (None, "")
    last_state.save(STATE)
    assert last_state.load() == (STATE, "")
    last_state.save(LastState(reference="demo", run=None, kind="cross", layer=0, head=0, statistic="D1", scale="lift"))
    assert last_state.load()[0].reference == "demo"
    assert [path.name for path in paths.state().iterdir()] == ["last.json"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe\x00",
        b'{"reference": "demo"}',
        b'{"reference":"demo","run":0,"kind":"decoder","layer":0,"head":0,"statistic":"D1","scale":"log"}',
        b'{"reference":"demo","run":1,"kind":"decoder","layer":-1,"head":0,"statistic":"D1","scale":"log"}',
        b'{"reference":"demo","run":1,"kind":"decoder","layer":0,"head":0,"statistic":"colour","scale":"log"}',
        b'{"reference":"demo","run":1,"kind":"decoder","layer":0,"head":0,"statistic":"D1","scale":"odd"}',
        b'{"reference":"gpu7:","run":1,"kind":"decoder","layer":0,"head":0,"statistic":"D1","scale":"log"}',
        b'{"reference":"demo","run":1,"kind":"decoder","layer":0,"head":0,"statistic":"D1","scale":"log",'
        b'"schema":"faa.last-state/2"}',
    ],
)
def test_what_cannot_be_read_is_a_remark_that_names_the_file(content):
    paths.state().mkdir(parents=True)
    last_state.file().write_bytes(content)
    found, remark = last_state.load()
    assert found is None
    assert str(last_state.file()) in remark
    assert "\n" not in remark
    last_state.save(STATE)
    assert last_state.load() == (STATE, "")


def test_a_folder_in_the_way_is_a_remark_and_no_fault():
    last_state.file().mkdir(parents=True)
    last_state.save(STATE)
    found, remark = last_state.load()
    assert found is None
    assert "Is a directory" in remark
    assert list(paths.state().iterdir()) == [last_state.file()]


def test_a_full_disk_leaves_the_last_one_and_no_half_of_the_next():
    last_state.save(STATE)
    program = """
import resource, signal
from msgspec.structs import replace
from faa_tui import last_state, recent
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
last_state.save(replace(last_state.load()[0], head=1))
recent.remember("gpt2" * 10)
"""
    subprocess.run([sys.executable, "-c", program], check=True)
    assert last_state.load() == (STATE, "")
    assert recent.load() == ()
    assert [path.name for path in paths.state().iterdir()] == ["last.json"]
