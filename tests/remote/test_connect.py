"""What a connection finds: it works, or says which thing is in the way and what cures it. All with a real sshd."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from faa_core.errors import FaaError, HostError, HostSetupError, LoginError
from faa_core.worker.session import session
from faa_core.worker.ssh import HostEntry, SshLaunch


def scripted(host: str = "gpu7", way: str = "ordinary", **keys: Any) -> SshLaunch:
    return SshLaunch(host, HostEntry(environment={"WAY": way}, **keys))


def refused(launch: SshLaunch) -> FaaError:
    with pytest.raises(FaaError) as caught, session(launch):
        pass
    return caught.value


def test_a_worker_behind_ssh_serves_like_a_local_one() -> None:
    with session(scripted()) as worker:
        analysis = worker.analyse("echo", "one two")
        assert analysis.tokens.pieces == ("one", "two")
        assert worker.map("decoder", 1, 0).shape == (8, 8)


def test_two_machines_have_environments_of_their_own() -> None:
    with session(scripted("gpu7")) as here, session(scripted("gpu8")) as there:
        assert there.hello.versions["torch"] == "2.99.7" != here.hello.versions["torch"]
        assert here.hello.versions["numpy"] == there.hello.versions["numpy"]
        assert here.hello.pid != there.hello.pid


def test_the_environment_and_the_prelude_arrive_as_they_were_written(lab: Any) -> None:
    text = """it's "$HOME" `id` $(id) \\ ; & | * ? # ! ~ ü  two blanks"""
    out = lab.folder / "seen"
    entry = HostEntry(
        prelude="cd / ; echo prelude; read -r nothing; FROM_PRELUDE='a  b' # a comment",
        environment={"TEXT": text, "WAY": "ordinary"},
        command=f"""printf '%s|%s|' "$TEXT" "$FROM_PRELUDE" >{out} && pwd >>{out} && faa worker""",
    )
    with session(SshLaunch("gpu7", entry)) as worker:
        assert worker.environment().devices == ("cpu",)
    assert out.read_text() == f"{text}|a  b|/\n"


def test_output_of_the_shell_before_the_greeting_is_skipped(lab: Any) -> None:
    bashrc = lab.gpu7.home / ".bashrc"
    bashrc.write_text("echo Welcome; printf '\\033[31mquota 97 %%\\033[0m'; echo to stderr >&2\n")
    try:
        with session(scripted()) as worker:
            assert worker.analyse("echo", "one")
        error = refused(SshLaunch("gpu7", HostEntry(command="no-such-faa worker")))
        assert "quota 97 %" in error.hint
    finally:
        bashrc.unlink()


def test_a_remote_command_of_the_user_is_no_hindrance(lab: Any) -> None:
    with session(scripted("gpu7-command")) as worker:
        assert worker.analyse("echo", "one")
    assert not (lab.folder / "local_command_ran").exists()


@pytest.mark.parametrize(
    ("host", "kind", "message", "hint"),
    [
        ("gpu7-stranger", LoginError, "host key of gpu7-stranger is not known", "compare the fingerprint"),
        ("gpu7-changed", HostSetupError, "is not the one that is known", "Ask whoever runs gpu7-changed"),
        ("gpu7-refused", LoginError, "did not let you in without a question", "Permission denied (publickey)"),
        ("gpu7-locked", LoginError, "did not let you in without a question", "passphrase"),
        ("gpu7-closed", HostError, "refuses connections", "Connection refused"),
        ("gpu7-unknown", HostError, "not known to this network", "no-such-machine.invalid"),
    ],
)
def test_what_is_in_the_way_of_a_connection_is_named(host: str, kind: type, message: str, hint: str) -> None:
    error = refused(scripted(host))
    assert type(error) is kind
    assert message in error.message
    assert host in error.message
    assert hint in error.hint
    assert error.retry is (kind is HostError)


def test_a_changed_host_key_is_never_helped_around() -> None:
    error = refused(scripted("gpu7-changed"))
    for way_round in ("Log in", "ssh-keygen", "StrictHostKeyChecking", "remove", "rm "):
        assert way_round not in str(error)


def test_a_mistake_in_the_ssh_configuration_is_quoted(lab: Any) -> None:
    lab.alias("gpu7-broken", "NoSuchOption yes")
    error = refused(scripted("gpu7-broken"))
    assert type(error) is HostSetupError
    assert "does not accept its configuration" in error.message
    assert "nosuchoption" in error.hint.lower()


def test_a_missing_program_is_answered_with_what_installs_it() -> None:
    error = refused(SshLaunch("gpu7", HostEntry(command="/opt/venv/bin/faa worker")))
    assert type(error) is HostSetupError
    assert "gpu7" in error.message
    assert "command not found" in error.message
    assert "/opt/venv/bin/python -m pip install faa-tui==" in error.hint
    assert "command in [hosts.gpu7]" in error.hint
    assert not error.retry


def test_a_prelude_that_fails_is_not_a_missing_program() -> None:
    error = refused(scripted(prelude="module load cuda"))
    assert type(error) is HostSetupError
    assert "prelude for gpu7 failed: module load cuda" in error.message
    assert ". /etc/profile" in error.hint
    assert "not found" in error.hint


def test_a_login_that_is_turned_away_is_quoted() -> None:
    error = refused(SshLaunch("gpu7", HostEntry(command="echo This account is currently not available.; exit 1;")))
    assert isinstance(error, HostError)
    assert "exit code 1" in error.message
    assert "This account is currently not available." in error.hint


def test_another_version_is_refused_with_both_named() -> None:
    error = refused(scripted(way="hostile-other_major"))
    assert type(error) is HostSetupError
    assert "speaks protocol 7.1, this program 1." in error.message
    assert "gpu7 'python3 -m pip install faa-tui==" in error.hint


def test_what_an_older_worker_cannot_do_is_not_sent() -> None:
    with session(scripted(way="hostile-older_minor")) as worker, pytest.raises(FaaError) as caught:
        worker.environment()
    assert caught.value.kind == "usage"
    assert "faa 1.9.0 (protocol 1.0)" in caught.value.message
    assert "this program is faa 2" in caught.value.message
    assert "pip install faa-tui==" in caught.value.hint


def test_a_field_that_an_older_worker_would_ignore_is_not_sent() -> None:
    with session(scripted(way="hostile-older_minor")) as worker, pytest.raises(FaaError) as caught:
        worker.tile("decoder", 0, 0, 0, 0, 1, 0, 1, run=1, without_first=True)
    assert caught.value.kind == "usage"
    assert "cannot do 'without-first'" in caught.value.message


def test_a_worker_that_does_not_greet_is_given_up(hear: Any) -> None:
    heard = hear(scripted(way="hostile-silent"))
    with pytest.raises(HostError, match=r"gpu7 .*no worker has greeted in time"):
        heard.client.start(timeout=1.0)


@pytest.mark.parametrize(
    "name", ["-oProxyCommand=touch x", "gpu7;id", "gpu 7", "gpu7\n", "$(id)", "", "a@b@c", "x" * 300]
)
def test_a_hostile_name_starts_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spy = tmp_path / "spy"
    spy.write_text(f"#!/bin/sh\ntouch {tmp_path}/ran\n")
    spy.chmod(0o755)
    monkeypatch.setenv("FAA_SSH", str(spy))
    for launch in (SshLaunch(name), SshLaunch(name, HostEntry())):
        assert isinstance(refused(launch), HostSetupError)
    assert not (tmp_path / "ran").exists()


def test_ssh_itself_is_missed_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAA_SSH", "/no/such/ssh -v")
    error = refused(scripted())
    assert "/no/such/ssh" in error.message
    assert "openssh-client" in error.hint
