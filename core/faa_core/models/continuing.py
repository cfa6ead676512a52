"""What continues a path to a model that is being typed: folders with one, other folders, files of attention."""

from __future__ import annotations

from pathlib import Path

from faa_core.folders import places_in, split
from faa_core.inventory import MOST_FOUND, FoundPath
from faa_core.models.layout import CONFIG
from faa_core.reference import ARRAY_SUFFIXES


def continuing(typed: str) -> tuple[FoundPath, ...]:
    """What the folder of a path holds that a model could be, or lie in; `MOST_FOUND` at most.

    May take as long as the disk does.

    Args:
        typed: A path, or the beginning of one; ``~`` allowed.

    Raises:
        TextError: The folder cannot be read.
    """
    folder, beginning = split(typed)
    places, _ = places_in(folder, beginning)
    found = []
    for place in places:
        if place.folder:
            found.append(FoundPath(place.name, True, Path(folder, place.name, CONFIG).is_file()))
        elif place.name.lower().endswith(ARRAY_SUFFIXES):
            found.append(FoundPath(place.name, False, True, place.size))
    return tuple(found[:MOST_FOUND])


def is_model(typed: str) -> bool:
    """Whether a path is that of a folder with a model, or of a file of attention."""
    path = Path(typed).expanduser()
    return (path / CONFIG).is_file() or (typed.lower().endswith(ARRAY_SUFFIXES) and path.is_file())
