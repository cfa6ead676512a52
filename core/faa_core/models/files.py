"""What a folder with a model must hold, and what it is told when it does not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from faa_core import _compat
from faa_core.errors import ModelError
from faa_core.models.layout import CONFIG, VOCABULARIES, WEIGHTS, WEIGHTS_INDEX, shard_names

_DIGEST_LIMIT = 1024**3
_PICKLED = (".bin", ".pt", ".pth", ".ckpt")


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """The parsed ``config.json`` of ``folder``.

    Args:
        folder: Folder of the model.
        name: What the user calls it.

    Raises:
        ModelError: There is none, it is no JSON object, or it asks for code from a repository.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise ModelError(
            f"{name} has no {CONFIG}, so it is not a transformers model.",
            "Give the folder that save_pretrained wrote, or the name of a model on the hub.",
        )
    try:
        settings = json.loads(path.read_bytes())
    except (ValueError, OSError) as error:
        raise ModelError(f"{CONFIG} of {name} cannot be read: {error}", "Save or download the model again.") from None
    if not isinstance(settings, dict):
        raise ModelError(f"{CONFIG} of {name} holds no settings.", "Save or download the model again.")
    for implementation in _compat.named_implementations(settings):
        if "/" in implementation:
            raise ModelError(
                f"{CONFIG} of {name} names {implementation!r} as its attention, which is code from the hub.",
                "faa runs no code from a model; take that entry out of the file.",
            )
    return settings


def weight_files(folder: Path, name: str) -> list[Path]:
    """The safetensors files that hold the weights.

    Args:
        folder: Folder of the model.
        name: What the user calls it.

    Raises:
        ModelError: There are none, some are missing, or the weights are pickled.
    """
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if (folder / WEIGHTS_INDEX).is_file():
        shards = [folder / shard for shard in shard_names(folder / WEIGHTS_INDEX, name)]
        missing = [shard.name for shard in shards if not shard.is_file()]
        if missing:
            raise ModelError(
                f"{len(missing)} of {len(shards)} weight files of {name} are missing, first {missing[0]}.",
                "Download or copy the folder again.",
            )
        return shards
    pickled = sorted(path.name for path in folder.iterdir() if path.suffix in _PICKLED)
    if pickled:
        raise ModelError(
            f"The weights of {name} are pickled ({pickled[0]}), and a pickle can run any code.",
            "Convert them: load the model once where you trust it and call save_pretrained, which writes safetensors.",
        )
    raise ModelError(
        f"{name} holds no weights: there is neither {WEIGHTS} nor {WEIGHTS_INDEX}.",
        "Add the weights, or append @init to see the architecture with random weights.",
    )


def has_tokenizer(folder: Path) -> bool:
    """Whether ``folder`` holds what a tokenizer is made from; one that works on bytes needs only its settings."""
    return any((folder / file).is_file() for file in (*VOCABULARIES, "tokenizer_config.json"))


def digest(files: list[Path]) -> str:
    """A name for the contents of the weight files.

    Returns:
        ``sha256:`` and 16 hexadecimal digits over every byte; for 1 GiB and more ``header:`` and the same over names,
        sizes, modification times and safetensors headers, which reading takes no time.
    """
    sha = hashlib.sha256()
    whole = sum(file.stat().st_size for file in files) < _DIGEST_LIMIT
    for file in files:
        with file.open("rb") as stream:
            if whole:
                while block := stream.read(1 << 20):
                    sha.update(block)
            else:
                status = file.stat()
                sha.update(f"{file.name} {status.st_size} {status.st_mtime_ns}".encode())
                sha.update(stream.read(min(int.from_bytes(stream.read(8), "little"), 1 << 27)))
    return f"{'sha256' if whole else 'header'}:{sha.hexdigest()[:16]}"
