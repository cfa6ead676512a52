"""Models from a hub: a small server on this machine that speaks what huggingface_hub asks for."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OLDER = "fedcba9876543210fedcba9876543210fedcba98"
UNWANTED = ("README.md", "pytorch_model.bin", "consolidated.safetensors", "onnx/model.safetensors", "modeling_evil.py")

CLIENT = """
import json, sys
from faa_core.capture.opening import open_source
from faa_core.errors import FaaError
from faa_core.reference import parse
print(json.dumps("ready"), flush=True)
for line in sys.stdin:
    reports = []
    try:
        source = open_source(parse(line), "cpu", "auto", lambda *report: reports.append(report))
        encoded = source.encode("a cat", False)
        answer = {"revision": source.info.revision, "tokens": encoded.tokens.pieces, "layers": len(source.info.layers)}
    except FaaError as error:
        answer = {"kind": error.kind, "text": error.message, "hint": error.hint, "retry": error.retry}
    print(json.dumps(answer | {"reports": reports}), flush=True)
"""


class Hub(ThreadingHTTPServer):
    """Serves folders as repositories; remembers what was asked for."""

    daemon_threads = True

    def __init__(self, repositories: dict[str, Path]) -> None:
        super().__init__(("127.0.0.1", 0), Requests)
        self.repositories = repositories
        self.asked: list[str] = []
        self.broken = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Requests(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def _answer(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.asked.append(f"{self.command} {path}")
        if self.server.broken:
            return self._answer(503)
        parts = path.strip("/").split("/")
        api = parts[:2] == ["api", "models"]
        name = "/".join(parts[2:4] if api else parts[:2])
        rest = parts[4:] if api else parts[2:]
        if name == "org/gated":
            return self._answer(403, X_Error_Code="GatedRepo")
        if name == "org/private":
            return self._answer(401, X_Error_Code="RepoNotFound")
        folder = self.server.repositories.get(name)
        if folder is None:
            return self._answer(404, X_Error_Code="RepoNotFound")
        commits = {"main": COMMIT, COMMIT: COMMIT, OLDER: OLDER}
        commit = commits.get(rest[1] if len(rest) > 1 else "main")
        if commit is None:
            return self._answer(404, X_Error_Code="RevisionNotFound")
        if api:
            files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
            siblings = [{"rfilename": str(path.relative_to(folder)), "size": path.stat().st_size} for path in files]
            body = json.dumps({"id": name, "sha": commit, "siblings": siblings}).encode()
            return self._answer(200, body, Content_Type="application/json")
        file = folder / "/".join(rest[2:])
        if not file.is_file():
            return self._answer(404, X_Error_Code="EntryNotFound")
        body = file.read_bytes()
        return self._answer(200, body, ETag=f'"{hashlib.sha1(body).hexdigest()}"', X_Repo_Commit=commit)

    do_HEAD = do_GET


def _save(folder: Path, shards: bool) -> None:
    config = LlamaConfig(
        vocab_size=4,
        hidden_size=16,
        intermediate_size=24,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=32,
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        LlamaForCausalLM(config).save_pretrained(folder, max_shard_size="2KB" if shards else "1GB")
    words = Tokenizer(models.WordLevel({"<unk>": 0, "a": 1, "cat": 2}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>").save_pretrained(folder)
    for name in UNWANTED:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"not wanted")


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    folder = tmp_path_factory.mktemp("hub")
    _save(folder / "tiny", shards=False)
    _save(folder / "sharded", shards=True)
    _save(folder / "pickled", shards=False)
    (folder / "pickled" / "model.safetensors").unlink()
    names = ("tiny", "sharded", "pickled")
    server = Hub({f"org/{name}": folder / name for name in names} | {"org/another": folder / "tiny"})
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class Client:
    """A process that opens one reference after the other."""

    def __init__(self, endpoint: str, home: Path, **environment: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", CLIENT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"HF_ENDPOINT": endpoint, "HF_HOME": str(home), "HF_HUB_OFFLINE": "0"} | environment,
        )
        assert self._read() == "ready"

    def _read(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def open(self, reference: str) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(reference + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = self._read()
        return answer

    def close(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def client(hub: Hub, home: Path) -> Iterator[Client]:
    running = Client(hub.url, home)
    yield running
    running.close()


def _fetched(hub: Hub) -> list[str]:
    return sorted(path.rsplit("/", 1)[1] for path in hub.asked if path.startswith("GET /org/"))


def test_a_download_reports_bytes_and_fetches_only_what_is_needed(hub, client):
    hub.asked.clear()
    answer = client.open("org/tiny")
    assert answer["revision"] == COMMIT
    assert answer["tokens"] == ["a", "cat"]
    assert answer["layers"] == 2
    assert _fetched(hub) == [
        *("config.json", "generation_config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"),
    ]
    folder = hub.repositories["org/tiny"]
    size = sum((folder / name).stat().st_size for name in _fetched(hub))
    downloads = [(done, total) for stage, _, done, total, unit in answer["reports"] if stage == "download" and total]
    assert {total for _, total in downloads} == {size}
    assert [done for done, _ in downloads] == sorted(done for done, _ in downloads)
    assert downloads[0][0] == 0
    assert downloads[-1][0] == size
    assert len({done for done, _ in downloads}) > 3
    assert answer["reports"][-1][0] == "load"

    hub.asked.clear()
    again = client.open("org/tiny")
    assert again["revision"] == COMMIT
    assert hub.asked == []  # the second time nothing is asked


def test_random_weights_need_no_weights(hub, client):
    hub.asked.clear()
    answer = client.open("org/another@init")
    assert answer["revision"] == "init seed 0"
    assert "model.safetensors" not in _fetched(hub)
    assert client.open("org/another")["revision"] == COMMIT  # settings alone do not pass for the whole model
    assert "model.safetensors" in _fetched(hub)


def test_shards_and_a_pinned_commit(hub, client):
    hub.asked.clear()
    answer = client.open(f"org/sharded@{OLDER}")
    assert answer["revision"] == OLDER
    fetched = _fetched(hub)
    assert sum(name.startswith("model-0000") for name in fetched) > 1
    assert not set(fetched) & {name.rsplit("/", 1)[-1] for name in UNWANTED}


@pytest.mark.parametrize(
    ("reference", "text", "hint"),
    [
        ("org/nothing", "There is no model 'org/nothing' on the hub", "Check the spelling"),
        ("org/private", "There is no model 'org/private' on the hub", "hf auth login"),
        ("org/gated", "Access to org/gated on the hub is restricted", "hf auth login"),
        ("org/tiny@v9", "org/tiny on the hub has no revision 'v9'", "Leave it out"),
        ("org/pickled", "has no model.safetensors", "save_pretrained"),
    ],
)
def test_each_refusal_of_the_hub_is_told_apart(reference, text, hint, hub, client):
    hub.asked.clear()
    answer = client.open(reference)
    assert answer["kind"] == "model", answer
    assert text in answer["text"]
    assert hint in answer["hint"]
    assert not answer["retry"]
    assert _fetched(hub) == []


def test_a_hub_out_of_order_is_worth_another_try(hub, client):
    hub.broken = True
    try:
        answer = client.open("org/fresh")
    finally:
        hub.broken = False
    assert answer["kind"] == "network", answer
    assert "503" in answer["text"]
    assert answer["retry"]


def test_without_a_hub_fetched_models_work_and_others_say_why(hub, client, home):
    assert client.open("org/tiny")["revision"] == COMMIT
    with Hub({}) as gone:
        nowhere = gone.url  # a port on which nobody listens any more
    lonely = Client(nowhere, home)
    try:
        assert lonely.open("org/tiny")["revision"] == COMMIT
        answer = lonely.open("org/unheard-of")
    finally:
        lonely.close()
    assert answer["kind"] == "network", answer
    assert nowhere in answer["text"]
    assert "cannot be reached" in answer["text"]
    assert "HF_ENDPOINT" in answer["hint"]
    assert answer["retry"]
