"""Where a text file is chosen."""

from __future__ import annotations

from pathlib import Path

from faa_tui import text_files
from faa_tui.screens.choose_path import ChoosePath


class OpenFile(ChoosePath[str]):
    """Answers with the text of a file."""

    TITLE = "Text file"
    PLACEHOLDER = "path of a file: {line.complete} completes, {line.down} chooses"

    def read(self, line: str) -> str:
        """The text of the file."""
        return text_files.read(Path(line).expanduser())
