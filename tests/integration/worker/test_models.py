"""The models of a machine and what each takes, asked of a real worker with a cache in the layout of the hub."""

from __future__ import annotations

import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from faa_core.errors import ModelError, UsageError
from faa_core.models.loading import DEMO_FOLDER
from faa_core.worker.session import Session, session

COMMIT = "0123456789abcdef0123456789abcdef01234567"
SMALL = ("config.json", "tokenizer.json", "tokenizer_config.json")


def put_into_cache(home: Path, name: str, files: tuple[str, ...], branch: str = "main", commit: str = COMMIT) -> Path:
    """Files of the bundled model as huggingface_hub keeps those of ``name``; returns the folder of the repository."""
    repo = home / "hub" / f"models--{name.replace('/', '--')}"
    snapshot = repo / "snapshots" / commit
    for folder in (snapshot, repo / "refs", repo / "blobs"):
        folder.mkdir(parents=True, exist_ok=True)
    (repo / "refs" / branch).write_text(commit)
    for file in files:
        content = (DEMO_FOLDER / file).read_bytes()
        blob = repo / "blobs" / hashlib.sha1(content).hexdigest()
        blob.write_bytes(content)
        (snapshot / file).symlink_to(os.path.relpath(blob, snapshot))
    return repo


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("home")
    whole = put_into_cache(path, "org/whole", (*SMALL, "model.safetensors"))
    for blob in (whole / "blobs").iterdir():
        os.utime(blob, (2_000_000_000, 1_500_000_000))
    half = put_into_cache(path, "org/half", SMALL)
    (half / "blobs" / "abc.faa.incomplete").write_bytes(bytes(1000))
    put_into_cache(path, "pinned", (*SMALL, "model.safetensors"), branch="v2")
    put_into_cache(path, "org/pictures", ("tokenizer.json",))
    return path


@pytest.fixture(scope="module")
def worker(home: Path) -> Iterator[Session]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(home))
        patch.setenv("HF_HUB_OFFLINE", "1")
        with session() as made:
            yield made


def test_the_models_of_the_cache_are_told_with_size_and_use(worker: Session, home: Path) -> None:
    inventory = worker.models(())
    assert inventory.cache == str(home / "hub")
    found = {model.reference: model for model in inventory.models}
    assert set(found) == {"org/whole", "org/half", "pinned@v2"}
    assert {model.shelf for model in inventory.models} == {"cache"}
    whole = found["org/whole"]
    assert whole.nbytes == sum((DEMO_FOLDER / name).stat().st_size for name in (*SMALL, "model.safetensors"))
    assert whole.used == 2_000_000_000
    assert inventory.models[0] == whole
    assert [found[name].lacking for name in ("org/whole", "org/half", "pinned@v2")] == ["", "incomplete", ""]


def test_folders_are_looked_for_below_those_that_are_named(worker: Session, tmp_path: Path) -> None:
    shutil.copytree(DEMO_FOLDER, tmp_path / "runs" / "first" / "checkpoint-10")
    shutil.copytree(DEMO_FOLDER, tmp_path / "bare", ignore=shutil.ignore_patterns("*.safetensors"))
    shutil.copytree(DEMO_FOLDER, tmp_path / ".hidden")
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "config.json").write_text('{"port": 80}')
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text("{")
    (tmp_path / "loop").symlink_to(tmp_path)
    found = [model for model in worker.models((str(tmp_path), "/not/there")).models if model.shelf == "folder"]
    assert {model.reference: model.lacking for model in found} == {
        f"{tmp_path}/runs/first/checkpoint-10": "",
        f"{tmp_path}/bare": "no safetensors",
    }
    assert worker.load(found[0].reference if not found[0].lacking else found[1].reference).architecture


def test_more_folders_than_anybody_waits_for_are_not_looked_into(worker: Session, tmp_path: Path) -> None:
    for number in range(3001):
        (tmp_path / f"{number:05}").mkdir()
    shutil.copytree(DEMO_FOLDER, tmp_path / "00000" / "model")
    inventory = worker.models((str(tmp_path),))
    assert inventory.incomplete
    assert not worker.models(()).incomplete


def test_a_model_is_told_without_being_loaded(worker: Session) -> None:
    details = worker.inspect("org/whole", tokens=384)
    assert details is not None
    assert details.architecture == "LlamaForCausalLM"
    assert [(info.heads, info.pattern) for info in details.layers] == [(8, "causal")] * 4
    assert (details.context, details.parameters, details.tokens) == (1280, 1377408, 384)
    assert (details.download, details.outlook, details.note) == (0, "fits", "")
    assert details.devices[0].free > details.weights + details.beside > 0
    assert "org/whole" not in {model.reference for model in worker.residents()}


def test_of_a_model_that_is_not_here_nothing_is_told_unless_the_hub_is_asked(worker: Session) -> None:
    assert worker.inspect("org/unheard-of") is None
    half = worker.inspect("org/half")
    assert half is not None
    assert half.download is None
    with pytest.raises(ModelError, match="HF_HUB_OFFLINE"):
        worker.inspect("org/unheard-of", ask_hub=True)
    with pytest.raises(UsageError, match="gpu7"):
        worker.inspect("gpu7:gpt2")


def test_unloading_gives_the_memory_back(worker: Session) -> None:
    worker.load("demo")
    assert "demo" in {model.reference for model in worker.residents()}
    worker.unload("demo")
    assert "demo" not in {model.reference for model in worker.residents()}


OLDER = """
import sys
from faa_core.worker import protocol, wire
capabilities = ("load", "run", "tile", "residents", "unload", "cancel")
hello = protocol.Hello((1, 3), 1, "old", {"faa": "2.0.0a0"}, capabilities)
sys.stdout.buffer.write(b"FAA-HELLO " + sys.argv[-1].encode() + b"\\n" + wire.encode(hello))
sys.stdout.buffer.flush()
sys.stdin.buffer.read()
"""


@pytest.mark.parametrize(
    ("ask", "job"), [(lambda old: old.models(), "models"), (lambda old: old.inspect("demo"), "inspect")]
)
def test_an_older_worker_is_not_asked(ask, job) -> None:
    with session((sys.executable, "-c", OLDER)) as old, pytest.raises(UsageError) as caught:
        ask(old)
    assert f"cannot do '{job}'" in caught.value.message
    assert "faa 2.0.0a0 (protocol 1.3)" in caught.value.message
