"""What faa asks of ssh, and what it makes of the answers, with real shells and a real ``ssh -G``; no connection."""

from __future__ import annotations

import itertools
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from faa_core.errors import HostError, HostSetupError, LoginError, UsageError
from faa_core.worker.launch import REQUIREMENT, LocalLaunch, as_launch
from faa_core.worker.login import login_command
from faa_core.worker.process import exit_words, link_lost
from faa_core.worker.refusals import refusal
from faa_core.worker.ssh import HostEntry, SshLaunch, is_host_name

pytestmark = pytest.mark.skipif(shutil.which("ssh") is None, reason="there is no ssh")


@pytest.fixture(autouse=True)
def ssh_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The configuration that every ssh reads."""
    file = tmp_path / "ssh_config"
    file.write_text("")
    monkeypatch.setenv("FAA_SSH", f"ssh -F {file}")
    return file


def options(command: tuple[str, ...]) -> set[str]:
    return {after for before, after in itertools.pairwise(command) if before == "-o"}


def test_a_worker_connection_asks_nothing_and_lends_nothing() -> None:
    command = SshLaunch("gpu7").command("abc")
    assert options(command) >= {
        "BatchMode=yes",
        "RemoteCommand=none",
        "ClearAllForwardings=yes",
        "ForwardAgent=no",
        "ForwardX11=no",
        "PermitLocalCommand=no",
        "ControlMaster=no",
    }
    assert "-T" in command
    assert command[-3:] == ("--", "gpu7", "sh -c 'faa worker --nonce abc; exit $?'")


@pytest.mark.parametrize("control_path", [None, "/run/x/0"])
def test_host_keys_are_the_business_of_the_user(control_path: str | None) -> None:
    launch = SshLaunch("gpu7", control_path=control_path)
    for command in (launch.command("abc"), login_command(launch, "/run/x/0")):
        for forbidden in ("StrictHostKeyChecking", "UserKnownHostsFile", "accept-new", "SendEnv", "Compression"):
            assert forbidden not in " ".join(command)


def test_a_login_is_a_connection_with_a_socket_and_without_a_command() -> None:
    command = login_command(SshLaunch("gpu7", HostEntry(ssh="me@gpu7.cluster")), "/run/x/0")
    assert {"BatchMode=no", "ControlMaster=yes", "ControlPath=/run/x/0", "ForwardAgent=no"} <= options(command)
    assert {"-f", "-N"} <= set(command)
    assert command[-2:] == ("--", "me@gpu7.cluster")
    assert "ControlPath=/run/x/0" in options(SshLaunch("gpu7", control_path="/run/x/0").command("a"))


def test_keep_alive_is_set_only_where_the_user_has_none(ssh_config: Path) -> None:
    ours = {"ServerAliveInterval=15", "ServerAliveCountMax=3", "ConnectTimeout=15"}
    assert ours <= options(SshLaunch("gpu7").command("a"))
    ssh_config.write_text("Host gpu7\n  ServerAliveInterval 60\nHost gpu8\n  ConnectTimeout 3\n")
    assert options(SshLaunch("gpu7").command("a")) & ours == {"ConnectTimeout=15"}
    assert options(SshLaunch("gpu8").command("a")) & ours == ours - {"ConnectTimeout=15"}


def test_ssh_takes_every_option() -> None:
    for command in (SshLaunch("gpu7").command("a"), login_command(SshLaunch("gpu7"), "/run/x/0")):
        done = subprocess.run([command[0], "-G", *command[1:]], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        assert "remotecommand none" not in done.stdout
        assert "forwardagent no" in done.stdout


SHELLS = [shell for shell in ("sh", "bash", "dash", "zsh", "fish", "tcsh", "ksh") if shutil.which(shell)]
HARD = """it's "$HOME" `id` $(id) \\ \\\\ \\' ; & | * ? # ~ ! !! ü %s  two blanks"""


@pytest.mark.parametrize("shell", SHELLS)
def test_every_login_shell_hands_on_the_same_words(shell: str) -> None:
    entry = HostEntry(prelude="read -r x; echo noise; FROM='a  b' # note", environment={"TEXT": HARD})
    launch = SshLaunch("gpu7", entry)
    remote = launch.shell('printf "%s|%s" "$TEXT" "$FROM"; read -r line; printf "|%s" "$line"; (exit 7)')[-1]
    done = subprocess.run([shell, "-c", remote], input="protocol\n", capture_output=True, text=True, check=False)
    assert done.stdout == f"{HARD}|a  b|protocol"
    assert done.returncode == 7


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize(("signal", "code"), [("KILL", 137), ("SEGV", 139)])
def test_a_signal_is_told_from_a_fault_of_ssh(shell: str, signal: str, code: int) -> None:
    remote = SshLaunch("gpu7").shell(f"sh -c 'kill -{signal} $$'")[-1]
    assert subprocess.run([shell, "-c", remote], capture_output=True, check=False).returncode == code


@pytest.mark.parametrize("name", ["gpu7", "me@gpu7", "a.b-c_d", "1.2.3.4", "first.last+x@h"])
def test_names_of_hosts(name: str) -> None:
    assert is_host_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "-v", "-oProxyCommand=x", "a b", "a\n", "a;b", "a|b", "$x", "`x`", "a@-b", "-a@b", "a@b@c", "ü", "a/b", "a:1"],
)
def test_what_is_no_name_of_a_host(name: str) -> None:
    assert not is_host_name(name)
    with pytest.raises(HostSetupError):
        SshLaunch(name).command("a")
    with pytest.raises(HostSetupError):
        login_command(SshLaunch(name), "/run/x/0")
    if name:
        with pytest.raises(UsageError):
            HostEntry(ssh=name)


@pytest.mark.parametrize(
    "fields",
    [
        {"command": " "},
        {"command": "a\nb"},
        {"prelude": "a\x1bb"},
        {"device": "cpu\n"},
        {"environment": {"A B": "x"}},
        {"environment": {"A": "x\ny"}},
        {"environment": {"A=1;B": "x"}},
    ],
)
def test_what_cannot_be_a_host_entry(fields: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        HostEntry(**fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("command", "prelude", "there"),
    [
        ("faa worker", "", "python3 -m pip"),
        ("~/venv/bin/faa worker", "", "~/venv/bin/python -m pip"),
        ("python3.12 -m faa_core.worker", "", "python3.12 -m pip"),
        ("/opt/py/bin/python -P -m faa_core.worker", "", "/opt/py/bin/python -m pip"),
        ("apptainer exec faa.sif faa worker", "module load x", "module load x && python3 -m pip"),
    ],
)
def test_the_command_that_installs_faa_is_whole(
    command: str, prelude: str, there: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("FAA_SSH")
    words = shlex.split(SshLaunch("gpu7", HostEntry(ssh="me@gpu7", command=command, prelude=prelude)).install)
    assert words == ["ssh", "me@gpu7", f"{there} install {REQUIREMENT}"]


@pytest.mark.parametrize(
    ("printed", "kind", "words"),
    [
        ("ssh: connect to host x port 22: Connection timed out", HostError, "does not answer"),
        ("ssh: connect to host x port 22: No route to host", HostError, "no way to gpu7"),
        ("ssh: connect to host x port 22: Network is unreachable", HostError, "no way to gpu7"),
        ("kex_exchange_identification: Connection closed by remote host", HostError, "closed the connection"),
        ("Connection reset by 10.0.0.1 port 22", HostError, "closed the connection"),
        ("Received disconnect from x: 2: Too many authentication failures", LoginError, "without a question"),
        ("me@x: Permission denied (publickey,keyboard-interactive).", LoginError, "without a question"),
        ("Unable to negotiate with x: no matching host key type found.", HostSetupError, "encryption"),
        ("hostname contains invalid characters", HostSetupError, "does not accept the name"),
        (
            "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
            HostSetupError,
            "another",
        ),
        ("@ WARNING: REVOKED HOST KEY DETECTED! @\nHost key verification failed.", HostSetupError, "revoked"),
        ("something new", HostError, "could not connect"),
        ("", HostError, "could not connect"),
    ],
)
def test_what_ssh_says_is_put_into_words(printed: str, kind: type[HostError], words: str) -> None:
    error = refusal(SshLaunch("gpu7"), 255, f"Authorised use only!\n{printed}\r\n")
    assert type(error) is kind
    assert words in error.message
    assert "gpu7" in error.message
    assert error.hint
    if printed:
        assert printed.splitlines()[-1] in error.hint


def test_a_key_that_waits_to_be_touched_needs_a_person() -> None:
    printed = "Confirm user presence for key ED25519-SK SHA256:x"
    assert type(refusal(SshLaunch("gpu7"), None, printed)) is LoginError
    assert type(refusal(SshLaunch("gpu7"), None, "")) is HostError


@pytest.mark.parametrize(
    ("code", "words", "lost"),
    [
        (255, "The connection to gpu7 was lost.", True),
        (-9, "The connection to gpu7 was lost: the local ssh was ended by signal 9.", True),
        (137, "The worker on gpu7 was killed by SIGKILL", False),
        (139, "The worker on gpu7 crashed: segmentation fault", False),
        (0, "The worker on gpu7 ended by itself.", False),
    ],
)
def test_the_end_of_a_connection_is_told_from_that_of_a_worker(code: int, words: str, lost: bool) -> None:
    text, hint = exit_words(code, "gpu7")
    assert text.startswith(words)
    assert hint
    assert link_lost(code, "gpu7") is lost
    assert not link_lost(code, "")


def test_a_command_list_is_a_launch_on_this_machine() -> None:
    assert as_launch(["worker", "x"]).command("abc") == ("worker", "x", "--nonce", "abc")
    assert as_launch(None) == LocalLaunch()
    launch = SshLaunch("gpu7")
    assert as_launch(launch) is launch


def test_an_ssh_of_the_user_is_read_like_a_shell_would(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAA_SSH", "ssh -F '/a b/config' -p 2222")
    assert SshLaunch("gpu7").command("a")[:5] == ("ssh", "-F", "/a b/config", "-p", "2222")
    for bad in ("ssh 'open", "", "/no/such/ssh"):
        monkeypatch.setenv("FAA_SSH", bad)
        with pytest.raises(HostSetupError):
            SshLaunch("gpu7").command("a")
