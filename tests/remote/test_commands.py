"""The commands on a remote machine, with the real worker and the bundled model."""

from __future__ import annotations

import json
import sys
from typing import Any

TEXT = "the golden ratio is the limit of the ratio of two numbers that follow each other " * 3


def test_a_remote_analysis_equals_the_local_one_and_names_its_machine(faa: Any) -> None:
    there, here = (
        json.loads(faa("analyze", model, "--json", "--text", TEXT).stdout) for model in ("gpu7:demo", "demo")
    )
    assert there["model"] == "gpu7:demo"
    assert here["model"] == "demo"
    for found in (there, here):
        del found["model"], found["seconds"]
    assert there == here


def test_a_map_of_a_remote_model_is_shown(faa: Any, configured: Any) -> None:
    configured('[hosts.gpu7]\nenvironment = { WAY = "hostile-escapes" }\n')
    done = faa("show", "gpu7:echo", "--map", "1.0", "--text", TEXT)
    assert done.returncode == 0, done
    assert done.stdout.startswith("gpu7:echo  layer 1 head 0")


def test_a_head_of_a_remote_model_is_examined(faa: Any, configured: Any) -> None:
    configured('[hosts.gpu8]\nenvironment = { WAY = "hostile-escapes" }\n')
    done = faa("examine", "gpu8:echo", "1.0", "--json", "--text", TEXT)
    assert done.returncode == 0, done
    assert json.loads(done.stdout)["model"] == "gpu8:echo"


def test_a_machine_that_asks_is_logged_in_to_at_the_terminal(at_terminal: Any, configured: Any) -> None:
    configured('[hosts.gpu7-locked]\nenvironment = { WAY = "hostile-escapes" }\n')
    command = (sys.executable, "-m", "faa_tui", "analyze", "gpu7-locked:echo", "--text", "one two")
    typist = at_terminal(command)
    typist.until("passphrase for key .*locked_key")
    typist.type("open sesame")
    assert typist.ended() == 0
    assert "owned" in typist.printed


def test_a_machine_that_asks_where_nobody_can_answer_is_an_error(faa: Any) -> None:
    done = faa("analyze", "gpu7-locked:demo")
    assert done.returncode == 1
    assert "faa: gpu7-locked did not let you in without a question." in done.stderr
    assert done.stdout == ""
