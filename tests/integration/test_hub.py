"""Models from a hub: a small server on this machine that speaks what huggingface_hub asks for."""

from __future__ import annotations

import hashlib
import json
import os
import queue
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from faa_core.worker import protocol
from faa_core.worker.client import WorkerClient

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
        self.sent = 0
        """Bytes of files that were sent."""
        self.broken = False
        self.cutting = False
        """Whether the next large file breaks off in the middle."""
        self.gate = threading.Event()
        """Closed where large files are to stop in the middle."""
        self.gate.set()
        self.halfway = threading.Event()

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
            half = len(body) // 2 if len(body) > 8 * 1024**2 else 0
            try:
                if half:
                    self.wfile.write(body[:half])
                    if self.server.cutting:
                        self.server.cutting = False
                        self.close_connection = True
                        self.connection.shutdown(socket.SHUT_RDWR)
                        return
                    self.server.halfway.set()
                    self.server.gate.wait(60)
                self.wfile.write(body[half:])
            except OSError:
                self.close_connection = True  # nobody wants the rest

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
        headers = {"ETag": f'"{hashlib.sha256(body).hexdigest()}"', "X_Repo_Commit": commit}
        begin = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if self.command == "GET":
            self.server.sent += len(body) - begin
        if begin:
            headers["Content_Range"] = f"bytes {begin}-{len(body) - 1}/{len(body)}"
        return self._answer(206 if begin else 200, body[begin:], **headers)

    do_HEAD = do_GET


def _save(folder: Path, shards: bool, hidden: int = 16) -> None:
    config = LlamaConfig(
        vocab_size=4,
        hidden_size=hidden,
        intermediate_size=24 * hidden // 16,
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
    _save(folder / "large", shards=False, hidden=512)
    (folder / "pickled" / "model.safetensors").unlink()
    names = ("tiny", "sharded", "pickled", "large")
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


GIVING_UP = """
import sys
from faa_core.errors import Cancelled
from faa_core.models.fetching import fetch, look_up

def give_up(stage, text, done, total, unit):
    if total and done > total // 2:
        raise Cancelled("Enough.")

def announced():
    return look_up("org/large", None, True, True).download

seen = []
def watch(stage, text, done, total, unit):
    seen.append(done)

before = announced()
try:
    fetch("org/large", None, True, give_up)
except Cancelled as error:
    print(error.message, error.hint)
between = announced()
folder = fetch("org/large", None, True, watch).folder
print(before, between, announced(), (folder / "model.safetensors").stat().st_size, sep=",")
print(*seen, sep=",")
print(*(path.name for path in folder.parent.parent.glob("blobs/*incomplete")))
"""


def test_a_download_that_is_given_up_goes_on_where_it_was(hub: Hub, tmp_path: Path) -> None:
    hub.sent = 0
    environment = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", GIVING_UP], capture_output=True, text=True, check=True, env=os.environ | environment
    )
    words, figures, seen, left = done.stdout.splitlines()
    assert words == (
        "The download of org/large was given up. What has come is kept, and the next download goes on from there."
    )
    before, between, after, size = map(int, figures.split(","))
    assert size > 16 * 1024**2
    assert before >= size
    assert size // 4 < between < before  # what was kept needs not be fetched
    assert after == 0
    reports = [int(number) for number in seen.split(",") if int(number)]
    assert reports == sorted(reports)
    assert min(number for number in reports if number > 1024**2) >= size // 4  # it began where the first one ended
    assert left == ""
    weights = hub.repositories["org/large"] / "model.safetensors"
    [fetched] = (tmp_path / "hub").glob("models--org--large/snapshots/*/model.safetensors")
    assert fetched.read_bytes() == weights.read_bytes()


def test_a_connection_that_breaks_is_made_anew_and_that_is_told(hub: Hub, client: Client) -> None:
    hub.cutting = True
    answer = client.open("org/large")
    assert answer["revision"] == COMMIT, answer
    told = [report[:3] for report in answer["reports"] if report[0] in ("download", "resume")]
    at = [stage for stage, *_ in told].index("resume")
    _, text, done = told[at]
    assert text == f"Downloading org/large, gone on with at {done / 1024**2:,.0f} MiB"
    assert told[at - 1][2] == done > 4 * 1024**2  # from there, and not from the start
    assert {stage for stage, *_ in told[at:]} == {"resume"}


def test_what_was_kept_and_is_not_part_of_the_file_is_noticed(hub: Hub, tmp_path: Path) -> None:
    weights = hub.repositories["org/large"] / "model.safetensors"
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    blobs = tmp_path / "hub" / "models--org--large" / "blobs"
    blobs.mkdir(parents=True)
    (blobs / f"{digest}.faa.incomplete").write_bytes(bytes(1000))
    spoilt = Client(hub.url, tmp_path)
    try:
        answer = spoilt.open("org/large")
        assert answer["kind"] == "network", answer
        assert "do not belong together" in answer["text"]
        assert spoilt.open("org/large")["revision"] == COMMIT
    finally:
        spoilt.close()


def test_the_hub_is_asked_for_no_more_than_the_settings(hub: Hub, tmp_path: Path) -> None:
    statement = """
from faa_core.models.describing import describe
from faa_core.reference import parse
assert describe(parse("org/sharded"), "cpu", "auto") is None
found = describe(parse("org/sharded"), "cpu", "auto", ask_hub=True)
print(found.download, found.needed.weights, found.layers[0].heads)
"""
    hub.asked.clear()
    environment = {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", statement], capture_output=True, text=True, check=True, env=os.environ | environment
    )
    download, weights, heads = map(int, done.stdout.split())
    files = hub.repositories["org/sharded"]
    assert download == sum(path.stat().st_size for path in files.glob("*") if path.name in _wanted(files))
    assert weights > 0
    assert heads == 2
    assert set(_fetched(hub)) == {"config.json", "model.safetensors.index.json"}


def _wanted(folder: Path) -> set[str]:
    """What loading fetches of a folder, but for what the look at it has fetched already."""
    shards = {path.name for path in folder.glob("model-*.safetensors")}
    return shards | {"generation_config.json", "tokenizer.json", "tokenizer_config.json"}


def test_a_worker_gives_a_download_up_and_serves_others_meanwhile(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"HF_ENDPOINT": hub.url, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}.items():
        monkeypatch.setenv(name, value)
    events: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def until(holds: Callable[[Any], bool]) -> Any:
        while not holds(event := events.get(timeout=60)):
            pass
        return event

    hub.gate.clear()
    hub.halfway.clear()
    with WorkerClient(events.put) as client:
        client.start()
        client.send(protocol.Load(1, "org/large"))
        assert hub.halfway.wait(60)
        client.cancel(1)
        client.send(protocol.Models(2))
        client.send(protocol.Ping(3))
        until(lambda e: isinstance(e, protocol.Pong))  # so the cancel has been read, too
        report = until(lambda e: isinstance(e, protocol.ModelsReport))  # though the network has nothing for anybody
        assert [(model.reference, model.lacking) for model in report.inventory.models if model.shelf == "cache"] == [
            ("org/large", "incomplete")
        ]
        fail = until(lambda e: isinstance(e, protocol.Fail) and e.id == 1)
        assert (fail.kind, fail.text) == ("cancelled", "The download of org/large was given up.")
        assert not hub.gate.is_set()
        client.send(protocol.Load(4, "org/large"))
        resumed = until(lambda e: isinstance(e, protocol.Progress) and e.id == 4 and e.done > 1024**2)
        assert (resumed.stage, resumed.unit) == ("resume", "bytes")
        assert resumed.text == f"Downloading org/large, gone on with at {resumed.done / 1024**2:.0f} MiB"
        hub.gate.set()
        until(lambda e: isinstance(e, protocol.Done) and e.id == 4)
