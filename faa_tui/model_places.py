"""Folders and files, of this machine or another one, that continue a path to a model."""

from __future__ import annotations

from collections.abc import Sequence

from faa_core.inventory import FoundPath
from faa_tui.model_list import Line


def lines_of(typed: str, found: Sequence[FoundPath]) -> tuple[Line, ...]:
    """The lines that continue a typed path, which may begin with a machine.

    Args:
        typed: The line, as it stood when it was asked what continues it.
        found: What does.
    """
    head, slash, _ = typed.rpartition("/")
    host = "" if slash or ":" not in typed else typed.partition(":")[0] + ":"
    before = f"{head}/" if slash else f"{host}./"
    lines = []
    for path in found:
        reference, title = f"{before}{path.name}", f"{path.name}/" if path.folder else path.name
        if path.model:
            lines.append(Line("model", reference, title, path.nbytes))
        else:
            lines.append(Line("folder", f"{reference}/", title))
    return tuple(lines)
