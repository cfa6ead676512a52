"""Where a set of texts is named."""

from __future__ import annotations

from pathlib import Path

from faa_core.errors import TextError
from faa_tui import text_files
from faa_tui.cli.text import texts_in
from faa_tui.samples import samples
from faa_tui.screens.choose_path import ChoosePath, Shortcut
from faa_tui.text_files import Place

SAMPLES = "samples"
"""What is typed for the texts that come with faa."""
MOST_BYTES = 4 * 1024 * 1024
"""Largest file of a set."""
MOST_TEXTS = 50
"""Texts that one set may have: what is measured on each stays in memory. Larger ones are for the command line."""


class OpenTexts(ChoosePath[tuple[str, ...]]):
    """Answers with two texts or more."""

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
        if len(texts) > MOST_TEXTS:
            raise TextError(
                f"{line} holds {len(texts):,} texts, and a set has {MOST_TEXTS} at most.",
                "Take fewer, or run faa analyze --texts.",
            )
        return texts
