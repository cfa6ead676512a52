"""The models that were opened lately, remembered between two starts."""

from __future__ import annotations

from pathlib import Path

import msgspec

from faa_core.errors import UsageError
from faa_core.reference import parse
from faa_tui import state_file

KEPT = 8
"""References that are remembered."""


def _file() -> Path:
    from faa_tui import paths

    return paths.state() / "recent.json"


def load() -> tuple[str, ...]:
    """References, the newest first; empty when there is no readable file."""
    try:
        found = msgspec.json.decode(_file().read_bytes(), type=list[str])
    except (OSError, msgspec.DecodeError):
        return ()
    return tuple(reference for reference in found if _valid(reference))[:KEPT]


def remember(reference: str) -> None:
    """Put ``reference`` first; a folder that cannot be written is no reason to stop."""
    kept = [reference, *(other for other in load() if other != reference)][:KEPT]
    state_file.write(_file(), msgspec.json.encode(kept))


def folders(host: str) -> tuple[str, ...]:
    """Folders that lie above the models in folders that were opened on a machine, "" for this one."""
    known = [parse(reference) for reference in load()]
    above = (str(Path(one.model).parent) for one in known if one.source == "folder" and (one.host or "") == host)
    return tuple(dict.fromkeys(above))


def _valid(reference: str) -> bool:
    try:
        parse(reference)
    except UsageError:
        return False
    return True
