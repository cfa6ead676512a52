"""Models from the Hugging Face hub: only safetensors, settings and tokenizer files, with progress in bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import huggingface_hub
from huggingface_hub import HfApi, errors, hf_hub_download, try_to_load_from_cache
from huggingface_hub.utils import tqdm

from faa_core.errors import Cancelled, FaaError, ModelError, NetworkError
from faa_core.models.aside import Aside
from faa_core.models.layout import (
    CONFIG,
    SMALL_FILES,
    VOCABULARIES,
    WEIGHTS,
    WEIGHTS_INDEX,
    shard_names,
)
from faa_core.models.resuming import bring, kept_bytes

Progress = Callable[[str, str, int, int, str], None]
"""``progress(stage, text, done, total, unit)``; the fields of `faa_core.worker.protocol.Progress`.

It is called often while something goes on, and may raise to give it up.
"""

_GATED = "If it is gated, accept its terms on the hub; then log in with `hf auth login`, or set HF_TOKEN."


@dataclass(frozen=True)
class Snapshot:
    """A model of the hub on this machine.

    Attributes:
        folder: Where its files lie.
        commit: Which state of the repository they are.
    """

    folder: Path
    commit: str


@dataclass(frozen=True)
class Announced:
    """What is known of a model of the hub of which at least the settings are here.

    Attributes:
        folder: Where the files lie that are here.
        download: Bytes that are still to be fetched to load it; ``None`` where that is not known.
    """

    folder: Path
    download: int | None


def fetch(name: str, revision: str | None, weights: bool, progress: Progress) -> Snapshot:
    """The files of a model, from the local cache if they are all there, else from the hub.

    A branch that was fetched before is taken from the cache as it then was, without asking the hub; the commit says
    which state that is.

    Args:
        name: Name on the hub.
        revision: Branch, tag or commit; ``None`` for ``main``.
        weights: Whether the weights are wanted; without them only settings and tokenizer are fetched.
        progress: Told the bytes of the download.

    Raises:
        ModelError: There is no such model or revision, access is denied, or it has no safetensors.
        NetworkError: The hub cannot be reached.
    """
    cached = _cached(name, revision or "main", weights)
    if cached is not None:
        return cached
    first = ("download", f"Looking for {name} on the hub", 0, 0, "bytes")
    aside: Aside[Snapshot] = Aside()
    try:
        return aside.run(lambda: _download(name, revision or "main", weights, aside), progress, first)
    except Cancelled:
        raise Cancelled(
            f"The download of {name} was given up.", "What has come is kept, and the next download goes on from there."
        ) from None
    except FaaError:
        raise
    except Exception as error:
        _explain(error, name, revision or "main")


def look_up(name: str, revision: str | None, weights: bool, ask_hub: bool) -> Announced | None:
    """What loading a model would fetch.

    Args:
        name: Name on the hub.
        revision: Branch, tag or commit; ``None`` for ``main``.
        weights: Whether the weights would be wanted.
        ask_hub: Whether the hub may be asked, and the settings fetched from it.

    Returns:
        ``None`` where the settings are not here, and the hub is not to be asked.

    Raises:
        ModelError: There is no such model or revision, access is denied, or it has no safetensors.
        NetworkError: The hub cannot be reached.
    """
    branch = revision or "main"
    cached = _cached(name, branch, weights)
    if cached is not None:
        return Announced(cached.folder, 0)
    if not ask_hub:
        config = _in_cache(name, CONFIG, branch)
        return None if config is None else Announced(config.parent, None)
    try:
        wanted, sizes, _ = _wanted(name, branch, weights)
        folder = Path(hf_hub_download(name, CONFIG, revision=branch)).parent
    except FaaError:
        raise
    except Exception as error:
        _explain(error, name, branch)
    missing = sum(sizes[file] for file in wanted if _in_cache(name, file, branch) is None)
    return Announced(folder, max(missing - kept_bytes(name), 0))


def _cached(name: str, revision: str, weights: bool) -> Snapshot | None:
    def find(file: str) -> Path | None:
        return _in_cache(name, file, revision)

    config = find(CONFIG)
    if config is None or not any(find(file) for file in VOCABULARIES):
        return None
    if weights and find(WEIGHTS) is None:
        index = find(WEIGHTS_INDEX)
        if index is None or not all(find(shard) for shard in shard_names(index, name)):
            return None
    return Snapshot(config.parent, config.parent.name)


def _in_cache(name: str, file: str, revision: str) -> Path | None:
    try:
        found = try_to_load_from_cache(name, file, revision=revision)
    except errors.HFValidationError:
        return None  # which the hub will be asked about, and tell
    return Path(found) if isinstance(found, str) else None


def _wanted(name: str, revision: str, weights: bool) -> tuple[list[str], dict[str, int], str | None]:
    """Files to be fetched in this order, the bytes of every file there is, and the state of the repository."""
    info = HfApi().model_info(name, revision=revision, files_metadata=True)
    sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
    if CONFIG not in sizes:
        raise ModelError(
            f"{name} on the hub has no {CONFIG}, so it is not a transformers model.", "Choose another repository."
        )
    wanted = [file for file in SMALL_FILES if file in sizes]
    # Weights come last: where they are in the cache, everything else is, too.
    return wanted + (_weights_of(name, revision, info.sha, sizes) if weights else []), sizes, info.sha


def _download(name: str, revision: str, weights: bool, aside: Aside[Snapshot]) -> Snapshot:
    wanted, sizes, commit = _wanted(name, revision, weights)
    meter = _Meter(name, sum(sizes[file] for file in wanted), aside.report)
    folder = Path()
    for file in wanted:
        bars = meter.bars(sizes[file])
        if _in_cache(name, file, revision) is None:
            bring(name, file, commit, sizes[file], bars, aside.holding, meter.broke)
        # The revision is passed as it was asked for, because that is what the cache remembers the commit by.
        path = hf_hub_download(name, file, revision=revision, tqdm_class=bars)
        meter.finish(sizes[file])
        folder = Path(path).parent
    return Snapshot(folder, folder.name)


def _weights_of(name: str, revision: str, commit: str | None, sizes: dict[str, int]) -> list[str]:
    if WEIGHTS in sizes:
        return [WEIGHTS]
    if WEIGHTS_INDEX in sizes:
        index = Path(hf_hub_download(name, WEIGHTS_INDEX, revision=commit))
        shards = shard_names(index, name)
        missing = [shard for shard in shards if shard not in sizes]
        if missing:
            raise ModelError(f"{name} on the hub lacks the weight file {missing[0]}.", "Choose another revision.")
        return [WEIGHTS_INDEX, *shards]
    raise ModelError(
        f"{name}@{revision} on the hub has no {WEIGHTS}; faa loads nothing else, because a pickle can run code.",
        "Look for a revision with safetensors (often refs/pr/1), or convert it to a local folder with save_pretrained.",
    )


class _Meter:
    """Adds up what the progress bars of several files say, and says where an earlier download was gone on with."""

    def __init__(self, name: str, total: int, progress: Progress) -> None:
        self._name = name
        self._stage, self._text = "download", f"Downloading {name}"
        self._broken = False
        self._total = total
        self._progress = progress
        self._before = 0
        self._report(0)

    def _report(self, done: int) -> None:
        self._progress(self._stage, self._text, min(done, self._total), self._total, "bytes")

    def _go_on(self, done: int) -> None:
        """So many bytes are here of an earlier download, or of before the connection broke."""
        self._broken = False
        self._stage, self._text = "resume", f"Downloading {self._name}, gone on with at {done / 1024**2:,.0f} MiB"
        self._report(done)

    def broke(self) -> None:
        """The connection broke; what comes next comes over another one."""
        self._broken = True

    def finish(self, size: int) -> None:
        """A file of ``size`` bytes is here."""
        self._before += size
        self._report(self._before)

    def bars(self, size: int) -> type[tqdm]:
        """A class of progress bars for one file of ``size`` bytes, which report here and print nothing."""
        meter = self

        class Bar(tqdm):  # type: ignore[misc]
            def __init__(self, *args: Any, **kwargs: Any) -> None:
                self._bytes = int(kwargs.get("initial") or 0)
                if self._bytes:  # what was kept of an earlier download
                    meter._go_on(meter._before + min(self._bytes, size))
                super().__init__(*args, **(kwargs | {"disable": True}))

            def update(self, n: float | None = 1) -> bool | None:
                # A file in chunks has a bar for what comes over the network and one for what is written; each counts
                # from the start of the file, and neither is to push the sum past its size.
                if meter._broken:
                    meter._go_on(meter._before + min(self._bytes, size))
                self._bytes += int(n or 0)
                meter._report(meter._before + min(self._bytes, size))
                return None

        return Bar


def _explain(error: Exception, name: str, revision: str) -> NoReturn:
    """Raise what ``error`` means to someone who asked for a model."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    hub = huggingface_hub.constants.ENDPOINT
    if isinstance(error, errors.GatedRepoError) or status == 403:
        raise ModelError(f"Access to {name} on the hub is restricted.", _GATED) from error
    if isinstance(error, errors.RevisionNotFoundError):
        raise ModelError(
            f"{name} on the hub has no revision {revision!r}.", "Leave it out, or name a branch, tag or commit."
        ) from error
    if isinstance(error, errors.RepositoryNotFoundError) or status in (401, 404):
        raise ModelError(
            f"There is no model {name!r} on the hub at {hub}, or it is private.",
            f"Check the spelling; a folder starts with ./ or /. {_GATED}",
        ) from error
    if isinstance(error, errors.HFValidationError):
        raise ModelError(f"{name!r} is not a possible name on the hub.", "A folder starts with ./ or /.") from error
    if isinstance(error, errors.OfflineModeIsEnabled):
        raise NetworkError(
            f"{name} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it.",
            "Unset HF_HUB_OFFLINE, or name a model that was fetched before.",
        ) from error
    if status is not None:
        raise NetworkError(
            f"The hub at {hub} answered {status} when asked for {name}.", "Try again in a while."
        ) from error
    if isinstance(error, OSError) and error.errno is not None and not isinstance(error, ConnectionError):
        raise ModelError(f"{name} could not be stored: {error}", "See to the disk, then try again.") from error
    first_line = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    raise NetworkError(
        f"{name} is not on this machine, and the hub at {hub} cannot be reached: {first_line}",
        "Check the network (or HF_ENDPOINT), or name a local folder.",
    ) from error
