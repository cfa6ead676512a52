"""Files that are written whole or not at all, and never over another one unasked."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from pathlib import Path

from faa_core.errors import FileError, UsageError

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""Numbers of errors that say that there is no room."""


def check_target(path: Path, force: bool) -> None:
    """Make sure, before anything is run, that the result can be written.

    Raises:
        UsageError: The file is there already, or its folder is not.
    """
    if path.is_dir() or not path.parent.is_dir():
        what = "is a folder" if path.is_dir() else "is in a folder that does not exist"
        raise UsageError(f"{path} {what}.", "Name a file in a folder that exists.")
    if path.exists() and not force:
        raise _exists(path)


def write_whole(path: Path, content: bytes, force: bool) -> None:
    """Write a file under a temporary name, and give it its own once it is complete.

    Args:
        path: The file.
        content: All of it.
        force: Whether a file that is there is replaced.

    Raises:
        UsageError: It is there already; it has not been touched.
        FileError: It cannot be written; nothing is left behind.
    """
    try:
        handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(content)
                # A draft is for its owner alone; what replaces it has the permissions of any new file.
                mask = os.umask(0)
                os.umask(mask)
                os.fchmod(stream.fileno(), 0o666 & ~mask)
                stream.flush()
                os.fsync(stream.fileno())  # a full disk may say so only now
            _name(draft, path, force)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(draft)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as error:
        full = error.errno in DISK_FULL
        raise FileError(
            f"{path} cannot be written: {error.strerror}.",
            "Make room, or name a file on another disk." if full else "Check the folder.",
        ) from error


def _name(draft: str, path: Path, force: bool) -> None:
    """Give a draft its name; without ``force`` in a way that fails where a file of that name has appeared meanwhile."""
    if not force:
        try:
            os.link(draft, path)
            return
        except OSError as error:
            if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK):
                raise
        if path.exists():  # a file system without links: the best that it can do
            raise FileExistsError(path)
    os.replace(draft, path)


def _exists(path: Path) -> UsageError:
    return UsageError(f"{path} exists already.", "Name another file, or add --force to replace it.")
