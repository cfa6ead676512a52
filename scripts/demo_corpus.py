"""The text that the demo model is trained and measured on: the Python standard library.

Every machine that can run this project has this text, so nothing has to be downloaded to train the
model again or to check its figures. A *document* is one ``.py`` file of the standard library, or one of
the documentation topics that ``help()`` shows (``pydoc_data.topics``).

The split is by file. A file is held out when the first byte of the SHA-256 of its POSIX path relative to
the library folder (for example ``json/decoder.py``) is below ``HELD_OUT_BELOW``. The rule looks at the
path alone, so a file is on the same side under every Python version. The documentation topics quote one
another at length and are therefore all on the training side.
"""

from __future__ import annotations

import hashlib
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import torch

BOS = "<|bos|>"
EOS = "<|eos|>"
HELD_OUT_BELOW = 16  # of 256: one file in sixteen

# Folders that are not the library's own prose and code: installed packages, tests, codec tables, and
# lib2to3, which holds older copies of other modules (tokenize among them) and would leak across the split.
_SKIPPED_FOLDERS = {
    "site-packages", "dist-packages", "__pycache__", "test", "tests", "idle_test",
    "encodings", "lib2to3", "turtledemo", "msilib", "ensurepip", "pydoc_data",
}  # fmt: skip
# Single files that are tables of data rather than code, or that differ from one build to the next.
_SKIPPED_FILES = {"html/entities.py", "stringprep.py", "this.py"}
_SKIPPED_PREFIXES = ("_sysconfigdata", "config-")


@dataclass(frozen=True)
class Document:
    """One text with the path that decides which side of the split it is on."""

    path: str
    text: str
    held_out: bool


def is_held_out(path: str) -> bool:
    """Tell whether the file at this POSIX path, relative to the library, is held out."""
    return hashlib.sha256(path.encode()).digest()[0] < HELD_OUT_BELOW


def _is_skipped(path: PurePosixPath) -> bool:
    return (
        not _SKIPPED_FOLDERS.isdisjoint(path.parts[:-1])
        or path.parts[0].startswith(_SKIPPED_PREFIXES)
        or str(path) in _SKIPPED_FILES
    )


def _topics() -> Iterator[Document]:
    try:
        from pydoc_data.topics import topics
    except ImportError:  # some distributions ship Python without its documentation
        return
    for name in sorted(topics):
        yield Document(f"pydoc_data/topics.py#{name}", topics[name].strip("\n") + "\n", held_out=False)


def documents() -> list[Document]:
    """Read the corpus from the running Python.

    Returns:
        The documents in the order of their paths, the documentation topics last.
    """
    library = Path(sysconfig.get_path("stdlib"))
    paths = sorted(PurePosixPath(file.relative_to(library).as_posix()) for file in library.rglob("*.py"))
    found = []
    for path in paths:
        if _is_skipped(path):
            continue
        try:
            text = (library / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        if text.strip():
            found.append(Document(str(path), text, is_held_out(str(path))))
    return [*found, *_topics()]


def random_tokens(
    vocab_size: int,
    special_ids: set[int],
    length: int,
    generator: torch.Generator,
) -> torch.Tensor:
    """Draw token ids uniformly from the vocabulary without its special tokens."""
    ordinary = torch.tensor([i for i in range(vocab_size) if i not in special_ids])
    return ordinary[torch.randint(len(ordinary), (length,), generator=generator)]


def repeated(segment: torch.Tensor, length: int) -> torch.Tensor:
    """Fill a row of this length with copies of a segment; the last copy may be cut short.

    Where the segment is random, the only way to predict the second copy is to look up what followed the
    same token in the first, which is what an induction head does.
    """
    return segment.repeat(-(-length // len(segment)))[:length]
