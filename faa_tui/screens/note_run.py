"""Where a note is written beside a kept run."""

from __future__ import annotations

from faa_tui.screens.ask_line import AskLine


class NoteRun(AskLine[str]):
    """Answers with the note; an empty line removes the one that is there."""

    TITLE = "A note beside this run"
    PLACEHOLDER = "the first good one"
    FORMS = (
        ("any line", "it stands in the list of runs, and in faa runs"),
        ("an empty line", "removes the note that is there"),
    )

    def read(self, line: str) -> str:
        """The line."""
        return line
