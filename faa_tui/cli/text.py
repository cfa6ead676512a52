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


def texts_for(reference: ModelReference, texts: str | None, text: str | None, file: str | None) -> tuple[str, ...]:
    """All texts of ``--texts``, else the one of `text_for`.

    Raises:
        TextError: As for `texts_in` and `text_for`.
    """
    return texts_in(texts) if texts else (text_for(reference, text, file),)


def texts_in(path: str) -> tuple[str, ...]:
    """Several texts: the lines of a file, or the files of a folder in the order of their names.

    Blank lines and hidden files do not count.

    Raises:
        TextError: There are fewer than two, or one of them cannot be read as UTF-8 text.
    """
    place = Path(path)
    if place.is_dir():
        files = sorted(item for item in place.iterdir() if item.is_file() and not item.name.startswith("."))
        texts = tuple(given_text(None, str(item)) or "" for item in files)
        empty = [item for item, text in zip(files, texts, strict=True) if not text.strip()]
        if empty:
            raise TextError(
                f"The text file {empty[0]} is empty.", "Take it out of the folder, or write a text into it."
            )
    else:
        texts = tuple(line for line in (given_text(None, path) or "").splitlines() if line.strip())
    if len(texts) < 2:
        raise TextError(
            f"{path} holds {len(texts)} text{'' if len(texts) == 1 else 's'}, and means over texts need two or more.",
            "Give a file with one text on each line, or a folder of text files; one text goes with --file.",
        )
    return texts
