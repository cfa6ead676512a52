"""The text that a command works on."""

from __future__ import annotations

import sys
from pathlib import Path

from faa_core.errors import TextError
from faa_core.reference import ModelReference


def given_text(text: str | None, file: str | None) -> str | None:
    """The text of ``--text`` or ``--file``; ``None`` when neither was given.

    Raises:
        TextError: The file cannot be read as UTF-8 text.
    """
    if file is None:
        return text
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except OSError as error:
        raise TextError(f"Cannot read the text file {file}: {error.strerror}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise TextError(
            f"{file} is not UTF-8 text (byte {error.start} is {error.object[error.start]:#04x}).",
            "Convert it first, for example with iconv.",
        ) from error


def text_for(reference: ModelReference, text: str | None, file: str | None) -> str:
    """The text that a command without a screen analyses.

    It is that of ``--text`` or ``--file``, else what is piped in, else the sample for the bundled model, which is a
    real text too. A file of attention needs none.

    Raises:
        TextError: There is no text.
    """
    given = given_text(text, file)
    if given is not None:
        return given
    if reference.source == "array":
        return ""
    if not sys.stdin.isatty():
        piped = sys.stdin.read()
        if piped.strip():
            return piped
    if reference.source == "demo":
        from faa_tui.samples import default_sample

        return default_sample().text
    raise TextError("There is no text to analyse.", "Give one with --text, with --file, or on standard input.")
