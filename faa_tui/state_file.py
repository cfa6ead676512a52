"""Small files of what the application remembers between two starts: written whole or not at all, for the user alone."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def write(path: Path, content: bytes) -> None:
    """Put ``content`` in place of what ``path`` held; a folder that cannot be written is no reason to stop.

    Only the user can read the file: what is remembered may be a text that was typed.
    """
    draft = path.with_suffix(f".{os.getpid()}")
    with contextlib.suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            draft.unlink(missing_ok=True)  # of a process of the same number that did not come to its end
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(content)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)  # what a full disk leaves of it
