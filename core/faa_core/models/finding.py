"""Which models lie on this machine: in the cache of the Hugging Face hub, and in folders. Needs no torch."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from faa_core.errors import ModelError
from faa_core.inventory import LONGEST_REFERENCE, MOST_FOUND, FoundModel, Inventory
from faa_core.models.layout import CONFIG, VOCABULARIES, WEIGHTS, WEIGHTS_INDEX, shard_names

DEPTH = 3
"""Folders are looked for this far below the one that is named."""
MOST_FOLDERS = 3000
"""Folders that are looked into, since a home directory can hold millions."""

INCOMPLETE = "incomplete"
NO_WEIGHTS = "no safetensors"
NO_TOKENIZER = "no tokenizer"


def find_models(folders: Sequence[str]) -> Inventory:
    """The models of the cache, and those in and below some folders.

    Args:
        folders: Paths, ``~`` allowed; what cannot be read is passed over. Models below a path that is not absolute
            are told with ``./``.
    """
    cached, cache = _cached()
    local, cut = _in_folders(folders)
    found = [model for model in (*cached, *local) if len(model.reference) <= LONGEST_REFERENCE]
    return Inventory(tuple(found[:MOST_FOUND]), cache, cut or len(found) > MOST_FOUND)


def _cached() -> tuple[list[FoundModel], str]:
    # Imported here: the client's side knows this package, and the library takes a while.
    from huggingface_hub import CacheNotFound, constants, scan_cache_dir

    try:
        cache = scan_cache_dir()
    except (CacheNotFound, OSError, ValueError):
        return [], str(constants.HF_HUB_CACHE)
    found = []
    for repo in cache.repos:
        if repo.repo_type != "model":
            continue
        for revision in repo.revisions:
            files = {file.file_name: file.file_path for file in revision.files}
            if CONFIG not in files:
                continue
            lacking = _lacking(files)
            if lacking == NO_WEIGHTS and any(repo.repo_path.glob("blobs/*.incomplete")):
                lacking = INCOMPLETE
            nbytes = sum(file.size_on_disk for file in revision.files)
            for ref in sorted(revision.refs) or [revision.commit_hash]:
                reference = repo.repo_id if ref == "main" else f"{repo.repo_id}@{ref}"
                found.append(FoundModel(reference, "cache", nbytes, repo.last_accessed, lacking))
    return sorted(found, key=_newest_first), str(constants.HF_HUB_CACHE)


def _in_folders(folders: Sequence[str]) -> tuple[list[FoundModel], bool]:
    found: dict[str, FoundModel] = {}
    seen: set[str] = set()
    for folder in folders:
        for path in _below(Path(folder).expanduser(), DEPTH):
            if len(seen) >= MOST_FOLDERS:
                return sorted(found.values(), key=_newest_first), True
            real = os.path.realpath(path)
            if real not in seen:
                seen.add(real)
                model = _in_folder(path)
                if model is not None:
                    found[real] = model
    return sorted(found.values(), key=_newest_first), False


def _below(folder: Path, depth: int) -> Iterator[Path]:
    """``folder`` and the folders below it, the nearest first; hidden ones and what cannot be read left out."""
    level = [folder]
    for _ in range(depth + 1):
        yield from level
        level = [child for parent in level for child in _children(parent)]


def _children(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            names = sorted(entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir())
    except OSError:
        return []
    return [folder / name for name in names if name.isprintable()]


def _in_folder(folder: Path) -> FoundModel | None:
    """The model in a folder; ``None`` where its settings, if there are any, are not those of a transformers model."""
    try:
        settings = json.loads((folder / CONFIG).read_bytes())
        if not isinstance(settings, dict) or "model_type" not in settings:
            return None
        files = {file.name: file for file in folder.iterdir() if file.is_file()}
        statuses = [file.stat() for file in files.values()]
    except (OSError, ValueError):
        return None
    path = str(folder)
    reference = path if path.startswith(("/", ".")) else f"./{path}"
    nbytes, used = sum(status.st_size for status in statuses), max(status.st_mtime for status in statuses)
    return FoundModel(reference, "folder", nbytes, used, _lacking(files))


def _lacking(files: Mapping[str, Path]) -> str:
    """What keeps a model from being loaded, by the names of its files; "" for nothing that shows in them."""
    if WEIGHTS not in files:
        if WEIGHTS_INDEX not in files:
            return NO_WEIGHTS
        try:
            missing = set(shard_names(files[WEIGHTS_INDEX], "")) - files.keys()
        except ModelError:
            return NO_WEIGHTS
        if missing:
            return INCOMPLETE
    return "" if files.keys() & {*VOCABULARIES, "tokenizer_config.json"} else NO_TOKENIZER


def _newest_first(model: FoundModel) -> tuple[float, str]:
    return -model.used, model.reference
