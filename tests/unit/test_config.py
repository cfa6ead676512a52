from __future__ import annotations

import stat
from pathlib import Path

import pytest

from faa_core import configuration
from faa_core.errors import UsageError
from faa_core.worker.protocol import RunOptions
from faa_core.worker.ssh import HostEntry, SshLaunch
from faa_tui import config, paths
from faa_tui.hosts import Hosts, here

GPU7 = """\
[hosts.gpu7]
ssh = "me@gpu7.cluster"
command = "~/venv/bin/faa worker"
prelude = "module load cuda"
device = "cuda:1"
environment = { HF_HOME = "/data/hf", CUDA_VISIBLE_DEVICES = "1" }
"""


@pytest.fixture
def file() -> Path:
    """The user's file, which is not there yet."""
    return configuration.path()


def test_no_file_is_an_empty_configuration(file: Path) -> None:
    assert not file.exists()
    assert configuration.load() == configuration.Config()
    assert Hosts().names == ()


def test_a_variable_names_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert configuration.path().name == "config.toml"
    other = tmp_path / "other.toml"
    other.write_text(GPU7)
    monkeypatch.setenv("FAA_CONFIG", str(other))
    assert Hosts().names == ("gpu7",)
    assert paths.all_paths()["config"] == other


def test_every_key_of_a_host_is_read() -> None:
    assert configuration.parse(GPU7, Path("c.toml")).hosts["gpu7"] == HostEntry(
        "me@gpu7.cluster",
        "~/venv/bin/faa worker",
        "module load cuda",
        "cuda:1",
        {"HF_HOME": "/data/hf", "CUDA_VISIBLE_DEVICES": "1"},
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("host = 1", ("c.toml: host is not a known key", "Did you mean hosts?")),
        ("[hosts.gpu7]\ncomand = 'x'", ("hosts.gpu7.comand", "Did you mean command?", "device, environment")),
        ("[hosts.gpu7]\nzzz = 1", ("hosts.gpu7.zzz", "Known here:")),
        ("[hosts.gpu7]\ncommand = 3", ("hosts.gpu7.command", "expected `str`, got `int`")),
        ("[hosts.gpu7]\nenvironment = { A = 3 }", ("hosts.gpu7.environment", "expected `str`, got `int`")),
        ("[hosts.gpu7]\nenvironment = { 'A B' = 'x' }", ("hosts.gpu7", "'A B' is not the name of a variable")),
        ("[hosts.gpu7]\nssh = '-oProxyCommand=x'", ("hosts.gpu7", "is not [user@]name")),
        ("[hosts.'gpu 7']\n", ('hosts."gpu 7"', "not the name of a host")),
        ('[hosts."-v"]\n', ("not the name of a host",)),
        ("hosts = 3", ("hosts must be a table",)),
        ("[hosts]\ngpu7 = 'x'", ("hosts.gpu7 must be a table",)),
        ("[hosts.gpu7\n", ("is not TOML", "line 1")),
        ("[hosts.gpu7]\n[hosts.gpu7]\n", ("is not TOML",)),
    ],
)
def test_a_mistake_is_told_with_file_key_and_cure(text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        configuration.parse(text, Path("/x/c.toml"))
    assert "/x/c.toml" in caught.value.message
    for word in words:
        assert word in str(caught.value)
    assert caught.value.hint
    assert "msgspec" not in str(caught.value)


def test_a_file_that_cannot_be_read_is_named(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match="not UTF-8"):
        configuration.load()
    file.unlink()
    file.mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        configuration.load()


def test_a_host_is_appended_and_nothing_else_changes(file: Path) -> None:
    file.parent.mkdir(parents=True)
    mine = f"# my machines\n\n{GPU7}  # the end"
    file.write_text(mine)
    file.chmod(0o640)
    entry = HostEntry(command='~/"my venv"/faa worker', environment={"A": "b\\c ü"})
    config.add_host("me@gpu8.cluster", entry)
    assert file.read_text().startswith(mine)
    assert configuration.load().hosts == configuration.parse(GPU7, file).hosts | {"me@gpu8.cluster": entry}
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    assert [path.name for path in file.parent.iterdir()] == ["config.toml"]


def test_a_first_host_makes_the_file(file: Path) -> None:
    config.add_host("gpu7", HostEntry())
    assert file.read_text() == "[hosts.gpu7]\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(UsageError, match="has a host gpu7 already"):
        config.add_host("gpu7", HostEntry(device="cuda"))
    with pytest.raises(UsageError, match="not the name of a host"):
        config.add_host("-v", HostEntry())


def test_a_linked_file_stays_a_link(file: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.toml"
    real.write_text("")
    file.parent.mkdir(parents=True)
    file.symlink_to(real)
    config.add_host("gpu7", HostEntry())
    assert file.is_symlink()
    assert "gpu7" in real.read_text()


def test_a_file_that_a_table_cannot_follow_is_left_alone(file: Path) -> None:
    file.parent.mkdir(parents=True)
    mine = "hosts = { gpu7 = { device = 'cuda' } }\n"
    file.write_text(mine)
    with pytest.raises(UsageError):
        config.add_host("gpu8", HostEntry())
    assert file.read_text() == mine


def test_hosts_know_how_workers_start(file: Path) -> None:
    file.parent.mkdir(parents=True)
    file.write_text(GPU7)
    hosts = Hosts()
    assert hosts.launch(None).host == hosts.launch("").host == ""
    assert hosts.launch("gpu7") == SshLaunch("gpu7", configuration.load().hosts["gpu7"])
    assert hosts.launch("anywhere") == SshLaunch("anywhere", HostEntry())
    assert hosts.options("gpu7", RunOptions()).device == "cuda:1"
    assert hosts.options("gpu7", RunOptions("cpu")).device == "cpu"
    assert hosts.options(None, RunOptions(dtype="float16")) == RunOptions(dtype="float16")
    assert not hosts.logged_in("gpu7")


def test_a_host_that_was_added_meanwhile_is_known(file: Path) -> None:
    hosts = Hosts()
    assert hosts.names == ()
    hosts.add("gpu7", HostEntry(device="cuda"))
    assert hosts.names == ("gpu7",)
    config.add_host("gpu8", HostEntry(device="cuda:1"))
    assert hosts.entry("gpu8").device == "cuda:1"


def test_a_worker_is_told_of_local_models_only() -> None:
    from faa_core.reference import parse

    assert str(here(parse("gpu7:meta-llama/Llama-3.2-1B@main"))) == "meta-llama/Llama-3.2-1B@main"


def test_keys_theme_and_screen_are_read() -> None:
    text = 'theme = "nord"\n[keys]\nrun = "W"\nlayer.next = "n"\n"layer.previous" = "p"\n[screen]\nmouse = false\n'
    config = configuration.parse(text, Path("c.toml"))
    assert config.theme == "nord"
    assert config.keys == {"run": "W", "layer.next": "n", "layer.previous": "p"}
    assert not config.screen.mouse
    assert configuration.parse('[screen]\ncolor = "256"', Path("c.toml")).screen.color == "256"
    assert configuration.parse("", Path("c.toml")).screen.mouse


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("theme = 3", ("theme: expected `str`",)),
        ("them = 'nord'", ("them is not a known key", "Did you mean theme?")),
        ("keys = 3", ("keys: expected",)),
        ("[keys]\nrun = 3", ("keys.run must be text", 'run = "r,f5"')),
        ("[keys]\nlayer.next = 3", ("keys.layer.next must be text",)),
        ("[screen]\nmaus = true", ("screen.maus", "Did you mean mouse?")),
        ("[screen]\nmouse = 'no'", ("screen.mouse: expected `bool`",)),
        ("screen = 1", ("screen: expected",)),
    ],
)
def test_a_mistake_in_keys_theme_or_screen_is_told(text: str, words: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        configuration.parse(text, Path("/x/c.toml"))
    for word in ("/x/c.toml", *words):
        assert word in str(caught.value)
