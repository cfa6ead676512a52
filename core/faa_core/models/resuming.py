"""A file of the hub, fetched so that what has come is kept where the download is given up or the process dies.

huggingface_hub throws away what it had of a file, because two processes that append to one file would spoil it. Here
such a file is locked, a locked one is left to huggingface_hub, and one that was gone on with is checked to the last
byte. Plain HTTP is used for it: the other way, Xet, can neither be given up nor gone on with.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

from huggingface_hub import constants, get_hf_file_metadata, hf_hub_url
from huggingface_hub.file_download import http_get, repo_folder_name
from huggingface_hub.utils import build_hf_headers

from faa_core.errors import NetworkError

SUFFIX = ".faa.incomplete"
"""Behind the name of a file that is not all here, which tools for the cache then know as such."""
LEAST_BYTES = 4 * 1024 * 1024
"""Smaller files are not worth it."""
STEP_BYTES = 1024 * 1024
"""Bytes between two moments at which a download can be given up."""

# huggingface_hub asks for 10 MiB at a time, which takes long to give up on a slow line; it has no other way to say so.
constants.DOWNLOAD_CHUNK_SIZE = STEP_BYTES


def kept_bytes(name: str) -> int:
    """Bytes of files of the model ``name`` that were begun and are not all here."""
    return sum(file.stat().st_size for file in _blobs(name).glob(f"*{SUFFIX}"))


def bring(
    name: str,
    file: str,
    commit: str | None,
    size: int,
    bars: type[Any],
    holding: Callable[[IO[bytes]], AbstractContextManager[None]],
    broke: Callable[[], object],
) -> None:
    """Put a file where huggingface_hub keeps its contents, so that it finds it there; harmless where it is there.

    Small files, those that another process fetches, and those that plain HTTP does not carry are left to it.

    Args:
        name: Name of the model on the hub.
        file: Name of the file.
        commit: State of the repository.
        size: Bytes of the file.
        bars: Class of progress bars. What is here already is its ``initial``; what its ``update`` raises goes through,
            and what has come until then is kept.
        holding: Entered with the file while it is written; whoever closes it meanwhile keeps what has come, and lets
            another one go on with it.
        broke: Called when the connection broke, and another one goes on where it was.

    Raises:
        NetworkError: What was kept and what came do not make up the file.
        Exception: Whatever huggingface_hub raises.
    """
    if not LEAST_BYTES <= size <= constants.MAX_HTTP_DOWNLOAD_SIZE:
        return
    url = hf_hub_url(name, file, revision=commit)
    etag = get_hf_file_metadata(url).etag
    if etag is None:
        return
    folder = _blobs(name)
    whole, part = folder / etag, folder / f"{etag}{SUFFIX}"
    if whole.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    with part.open("ab") as stream, holding(stream):
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return
        have = stream.tell()
        if have > size:
            stream.truncate(0)
            have = 0
        with _hearing_of_breaks(broke):
            http_get(url, stream, resume_size=have, headers=build_hf_headers(), expected_size=size, tqdm_class=bars)
        stream.flush()
        if have and not _is(part, etag):
            part.unlink()
            raise NetworkError(
                f"What was kept of {file} of {name} and what came now do not belong together.",
                "Try again; it begins from the start.",
            )
        os.replace(part, whole)


@contextmanager
def _hearing_of_breaks(broke: Callable[[], object]) -> Iterator[None]:
    """Call ``broke`` when a download of this thread is tried again, which huggingface_hub tells its log alone."""
    thread = threading.get_ident()

    class Ears(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread:
                broke()

    log, ears = logging.getLogger(http_get.__module__), Ears(logging.WARNING)
    log.addHandler(ears)
    try:
        yield
    finally:
        log.removeHandler(ears)


def _is(file: Path, etag: str) -> bool:
    """Whether the contents of a file are those that the hub names; true where it does not name them by a digest."""
    if not re.fullmatch("[0-9a-f]{64}", etag):
        return True
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == etag


def _blobs(name: str) -> Path:
    return Path(constants.HF_HUB_CACHE, repo_folder_name(repo_id=name, repo_type="model"), "blobs")
