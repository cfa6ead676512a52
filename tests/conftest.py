from __future__ import annotations

import gc
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import pytest

# Several test processes share the machine; more threads each would only get in each other's way.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"
# Without bytecode each of the hundreds of processes that are started here compiles what it imports.
sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# With torch and hundreds of finished applications in memory, a quarter of the time went into looking for garbage.
gc.set_threshold(50_000, 20, 10)
# A shell that starts the tests in the background has them ignore Ctrl-C, and every process they start after them.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_PATIENCE = 30.0


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sees the files or the terminal of whoever runs it, or leaves anything there."""
    home = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(home))
    for name in ("CONFIG", "DATA", "STATE", "CACHE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    for name in ("NO_COLOR", "COLUMNS", "LINES"):
        monkeypatch.delenv(name, raising=False)


Faa = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def faa() -> Faa:
    """Runs the ``faa`` command as a process of its own, with nothing on its standard input."""

    def run(
        *arguments: str | Path, stdin: str = "", env: dict[str, str] | None = None, timeout: float = 240
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "faa_tui", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=timeout,
            env=os.environ | (env or {}),
            check=False,
        )

    return run


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Waits for the end of a process that `os.pidfd_open` was asked for; whether it came."""

    def wait(descriptor: int) -> bool:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        try:
            return bool(poll.poll(_PATIENCE * 1000))
        finally:
            os.close(descriptor)

    return wait


@pytest.fixture
def unwritable() -> Iterator[Path]:
    """A folder that can be read by everybody and written by nobody but root."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o555)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def bytewise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small untrained model of another shape that reads every byte as a token."""
    import torch
    import transformers
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers

    folder = tmp_path_factory.mktemp("bytewise")
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={letter: place for place, letter in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="!", model_max_length=1280
    ).save_pretrained(folder)
    config = transformers.AutoConfig.from_pretrained(str(files("faa_core").joinpath("models", "demo")))
    config.num_hidden_layers, config.num_attention_heads, config.num_key_value_heads = 2, 4, 4
    config.vocab_size, config.dtype = 256, torch.float32
    config.bos_token_id = config.eos_token_id = config.pad_token_id = None
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder
