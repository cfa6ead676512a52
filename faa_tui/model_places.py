"""Folders and files of this machine that continue a path to a model."""

from __future__ import annotations

from pathlib import Path

from faa_core.errors import FaaError
from faa_core.reference import ARRAY_SUFFIXES
from faa_tui import text_files
from faa_tui.model_list import Line

SETTINGS = "config.json"
"""The file that makes a folder one with a model."""


def continuing(typed: str) -> tuple[tuple[Line, ...], str]:
    """What continues a typed path: folders with a model, other folders, files of attention.

    May take as long as the disk does; to be called on a thread.

    Returns:
        The lines, and what is wrong with the path; "" for nothing.
    """
    folder, beginning = text_files.split(typed)
    try:
        places, _ = text_files.places_in(folder, beginning)
    except FaaError as error:
        return (), error.message
    head = typed.rpartition("/")[0] + "/" if "/" in typed else ""
    found = []
    for place in places:
        reference = f"{head}{place.name}" if head else f"./{place.name}"
        if place.folder:
            model = Path(folder, place.name, SETTINGS).is_file()
            found.append(Line("model" if model else "folder", reference + ("" if model else "/"), f"{place.name}/"))
        elif place.name.lower().endswith(ARRAY_SUFFIXES):
            found.append(Line("model", reference, place.name, place.size))
    return tuple(found), ""


def is_model(typed: str) -> bool:
    """Whether a typed path is that of a folder with a model, or of a file of attention."""
    path = Path(typed).expanduser()
    return (path / SETTINGS).is_file() or (typed.lower().endswith(ARRAY_SUFFIXES) and path.is_file())
