"""``faa doctor HOST``: the step that fails is named, with its cure, and nothing behind it is asked."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from faa_core import __version__

Steps = list[dict[str, Any]]


def examined(faa: Any, host: str, code: int) -> Steps:
    done = faa("doctor", host, "--json")
    assert done.returncode == code, done
    found = json.loads(done.stdout)
    assert found["host"] == host
    assert found["passed"] is (code == 0)
    return found["steps"]


def names(steps: Steps) -> list[str]:
    return [step["name"] for step in steps]


def test_a_machine_in_order_passes_every_step(faa: Any) -> None:
    done = faa("doctor", "gpu7")
    assert done.returncode == 0, done
    lines = done.stdout.splitlines()
    assert [line.split()[0] for line in lines[:6]] == ["ssh", "Python", "faa", "torch", "GPU", "disk"]
    assert all(line.split()[1] == "ok" for line in lines[:6])
    assert "FAILED" not in done.stdout
    assert __version__ in lines[2]
    assert "GiB free" in lines[5]
    assert done.stderr == ""


def test_the_environment_of_the_other_machine_is_the_one_that_is_told(faa: Any, configured: Any) -> None:
    configured('[hosts.gpu8]\nenvironment = { WAY = "ordinary", HF_HOME = "/no/such/folder" }\n')
    steps = examined(faa, "gpu8", 0)
    assert "/no/such/folder" in steps[5]["text"]
    assert steps[6] == {"name": "ok", "passed": True, "text": "fine", "hint": ""}


@pytest.mark.parametrize(
    ("host", "text", "hint"),
    [
        ("gpu7-stranger", "host key of gpu7-stranger is not known", "fingerprint"),
        ("gpu7-changed", "not the one that is known", "Ask whoever"),
        ("gpu7-refused", "without a question", "Permission denied"),
        ("gpu7-closed", "refuses connections", "Port"),
    ],
)
def test_a_connection_that_fails_is_the_first_and_last_step(faa: Any, host: str, text: str, hint: str) -> None:
    (step,) = examined(faa, host, 1)
    assert (step["name"], step["passed"]) == ("ssh", False)
    assert text in step["text"]
    assert hint in step["hint"]


def test_a_prelude_that_fails_is_the_first_and_last_step(faa: Any, configured: Any) -> None:
    configured('[hosts.gpu7]\nprelude = "module load cuda"\n')
    (step,) = examined(faa, "gpu7", 1)
    assert "prelude for gpu7 failed" in step["text"]


def test_a_machine_without_python_is_told_what_to_install(faa: Any, configured: Any) -> None:
    configured('[hosts.gpu7]\nenvironment = { PATH = "/nowhere" }\nprelude = "PATH=/nowhere"\n')
    steps = examined(faa, "gpu7", 1)
    assert names(steps) == ["ssh", "Python"]
    assert "Install Python 3.11" in steps[1]["hint"]


def test_a_python_that_is_too_old_is_named(faa: Any, configured: Any, lab: Any, tmp_path: Any) -> None:
    old = tmp_path / "python"
    old.write_text("#!/bin/sh\necho '{\"python\": [3, 6, 8], \"executable\": \"/usr/bin/python3.6\", \"cache\": \"\", "
                   "\"free\": 1}'\n")  # fmt: skip
    old.chmod(0o755)
    configured(f'[hosts.gpu7]\ncommand = "{tmp_path}/faa worker"\n')
    steps = examined(faa, "gpu7", 1)
    assert names(steps) == ["ssh", "Python"]
    assert "3.6.8 (/usr/bin/python3.6) is too old" in steps[1]["text"]


def test_a_missing_faa_is_told_how_to_be_installed(faa: Any, configured: Any) -> None:
    configured('[hosts.gpu7]\ncommand = "no-such-faa worker"\n')
    steps = examined(faa, "gpu7", 1)
    assert names(steps) == ["ssh", "Python", "faa"]
    assert steps[1]["passed"]
    assert f"gpu7 'python3 -m pip install faa-tui=={__version__}'" in steps[2]["hint"]


def test_another_version_is_a_step_of_faa(faa: Any, configured: Any) -> None:
    configured('[hosts.gpu7]\nenvironment = { WAY = "hostile-other_major" }\n')
    steps = examined(faa, "gpu7", 1)
    assert names(steps)[-1] == "faa"
    assert "protocol 7.1" in steps[-1]["text"]


def test_a_torch_that_cannot_be_imported_is_named(faa: Any, configured: Any) -> None:
    configured('[hosts.gpu7]\nenvironment = { WAY = "without_torch" }\n')
    steps = examined(faa, "gpu7", 1)
    assert names(steps) == ["ssh", "Python", "faa", "torch"]
    assert "cannot be imported" in steps[-1]["text"]
    assert steps[-1]["hint"]


def test_a_gpu_that_torch_does_not_see_is_named(faa: Any, configured: Any, lab: Any) -> None:
    configured('[hosts.gpu7]\nenvironment = { WAY = "ordinary" }\n')
    smi = lab.gpu7.home / "bin" / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho 'GPU 0: A card (UUID: x)'\n")
    smi.chmod(0o755)
    try:
        steps = examined(faa, "gpu7", 1)
    finally:
        smi.unlink()
    assert names(steps)[-1] == "GPU"
    assert "the driver sees 1" in steps[-1]["text"]


def test_a_device_that_is_not_there_is_named(faa: Any, configured: Any) -> None:
    configured('[hosts.gpu7]\ndevice = "cuda"\nenvironment = { WAY = "ordinary" }\n')
    steps = examined(faa, "gpu7", 1)
    assert names(steps)[-1] == "GPU"
    assert "device in [hosts.gpu7]" in steps[-1]["hint"]


def test_a_mistake_in_the_configuration_is_wrong_usage(faa: Any, configured: Any) -> None:
    file = configured('[hosts.gpu7]\ncomand = "faa worker"\n')
    done = faa("doctor", "gpu7")
    assert done.returncode == 2
    assert str(file) in done.stderr
    assert "hosts.gpu7.comand" in done.stderr
    assert "Did you mean command?" in done.stderr


def test_a_machine_that_asks_is_examined_after_a_login(at_terminal: Any, configured: Any) -> None:
    configured('[hosts.gpu7-locked]\nenvironment = { WAY = "ordinary" }\n')
    typist = at_terminal((sys.executable, "-m", "faa_tui", "doctor", "gpu7-locked"), TERM="dumb", NO_COLOR="1")
    typist.until("passphrase for key .*locked_key")
    typist.type("open sesame")
    assert typist.ended() == 0
    assert "lets you in after a login" in typist.printed
    assert "GiB free" in typist.printed


def test_a_hostile_name_is_no_option_of_ssh(faa: Any, tmp_path: Any) -> None:
    done = faa("doctor", "--", f"-oProxyCommand=touch {tmp_path}/ran")
    assert done.returncode == 1
    assert "not the name of a host" in done.stdout
    assert not (tmp_path / "ran").exists()
