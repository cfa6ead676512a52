"""Where a set of texts is named."""

from __future__ import annotations

from pathlib import Path

from faa_tui.cli.text import texts_in
from faa_tui.samples import samples
from faa_tui.screens.ask_line import AskLine

SAMPLES = "samples"
"""What is typed for the texts that come with faa."""


class OpenTexts(AskLine[tuple[str, ...]]):
    """Answers with two texts or more."""

    TITLE = "Compare on a set of texts"
    PLACEHOLDER = "a file, a folder, or samples"
    FORMS = (
        ("prompts.txt", "a file with one text on each line"),
        ("./texts/", "a folder of text files"),
        (SAMPLES, "the sample texts that come with faa"),
    )

    def read(self, line: str) -> tuple[str, ...]:
        """The texts that the path leads to."""
        if line == SAMPLES:
            return tuple(sample.text for sample in samples())
        return texts_in(str(Path(line).expanduser()))
