"""Where a set of texts is named."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

from faa_core.errors import TextError
from faa_core.folders import Place
from faa_tui import text_files
from faa_tui.cli.text import texts_in
from faa_tui.samples import samples
from faa_tui.screens.choose_path import ChoosePath, Shortcut

SAMPLES = "samples"
"""What is typed for the texts that come with faa."""
MOST_BYTES = 4 * 1024 * 1024
"""Largest file of a set."""
SURE_TEXTS = 50
"""Texts that every set may have."""
MOST_MEMORY = 400 * 1024**2
"""What is measured on each text stays in the application's memory, to be shown at once: bytes of a larger set."""
_HEAD_BYTES = 8 * 1024
_CHARACTER_BYTES = 120
"""The bundled model on 149 and 438 tokens: 5.0 and 7.8 kB a head, and 80 B a character with its tokens."""


class OpenTexts(ChoosePath[tuple[str, ...]]):
    """Answers with two texts or more.

    Args:
        heads: Heads that are measured on each of them; 0 where nobody knows.
    """

    def __init__(self, heads: int = 0) -> None:
        super().__init__()
        self._heads = heads

    TITLE = "A set of texts"
    PLACEHOLDER = "a file with one text on each line, a folder, or samples"

    def shortcuts(self, folder: Path, places: tuple[Place, ...]) -> tuple[Shortcut, ...]:
        """The samples, and the folder that is listed itself."""
        files = sum(not place.folder for place in places)
        found = [Shortcut(SAMPLES, f"the {len(samples())} sample texts that come with faa")]
        if files >= 2:
            found.append(Shortcut(str(folder), f"this folder: {files} files, a text each"))
        return tuple(found)

    def read(self, line: str) -> tuple[str, ...]:
        """The texts that the path leads to."""
        if line == SAMPLES:
            return tuple(sample.text for sample in samples())
        place = Path(line).expanduser().absolute()
        if place.is_dir():
            for file in sorted(item for item in place.iterdir() if item.is_file() and not item.name.startswith(".")):
                text_files.check(file, MOST_BYTES)
        else:
            text_files.check(place, MOST_BYTES)
        texts = texts_in(str(place))
        most = self._most(texts)
        if len(texts) > most:
            raise TextError(
                f"{line} holds {len(texts):,} texts, and a set of this model has room for {most:,} of them.",
                "Take fewer, or run faa analyze --texts or faa compare --texts.",
            )
        return texts

    def _most(self, texts: tuple[str, ...]) -> int:
        """How many of the texts there is room for, taken from the first on."""
        if not self._heads:
            return SURE_TEXTS
        taken = accumulate(self._heads * _HEAD_BYTES + len(text) * _CHARACTER_BYTES for text in texts)
        return max(SURE_TEXTS, sum(size <= MOST_MEMORY for size in taken))
