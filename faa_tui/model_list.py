"""The models that a person can choose from, as lines of a list that what is typed narrows down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from faa_core.inventory import FoundModel, Inventory
from faa_core.reference import DEMO, INIT

BUNDLED = (DEMO, f"{DEMO}@{INIT}")
"""References that always work."""

LineKind = Literal["model", "folder", "machine", "connect", "heading"]
"""What choosing a line does: open a model, go into a folder, go to a machine, ask a machine for its models, nothing."""

_DAY = 24 * 3600


class Line(NamedTuple):
    """A line of the list.

    Attributes:
        kind: What choosing it does.
        reference: What is opened, or written into the line for a folder or a machine.
        title: What is shown for it.
        nbytes: Bytes of its files; ``None`` where they are not known.
        used: When it was last used, in seconds since 1970; ``None`` where that is not known.
        remark: What else there is to say, for example ``loaded``.
    """

    kind: LineKind
    reference: str
    title: str
    nbytes: int | None = None
    used: float | None = None
    remark: str = ""


def host_and_rest(typed: str) -> tuple[str, str]:
    """The machine that a beginning of a reference names, "" for this one, and what stands behind its colon."""
    if typed.startswith((".", "/", "~")) or ":" not in typed:
        return "", typed
    host, _, rest = typed.partition(":")
    return host, rest


def is_path(rest: str) -> bool:
    """Whether what is typed behind a machine is the beginning of a path."""
    return rest.startswith((".", "/", "~"))


def lines(
    typed: str,
    recent: Sequence[str] = (),
    hosts: Sequence[str] = (),
    inventory: Inventory | None = None,
    loaded: Mapping[str, int] | None = None,
    places: Sequence[Line] = (),
) -> tuple[Line, ...]:
    """What can be chosen where ``typed`` stands in the line.

    Args:
        typed: The line; what stands behind a machine narrows the list down, each of its words by itself.
        recent: References that were opened before, of any machine.
        hosts: Machines that are known.
        inventory: Models of the machine that is typed; ``None`` while they are not known.
        loaded: References that are in memory, with their bytes.
        places: What continues a path that is typed.
    """
    host, rest = host_and_rest(typed)
    words = rest.lower().split()
    found = {} if inventory is None else {_on(host, model.reference): model for model in inventory.models}
    shown: set[str] = set()

    def section(title: str, references: Iterable[str]) -> list[Line]:
        chosen = [
            reference
            for reference in references
            if host_and_rest(reference)[0] == host
            and all(word in host_and_rest(reference)[1].lower() for word in words)
            and reference not in shown
        ]
        shown.update(chosen)
        made = [_line(reference, found.get(reference), loaded or {}) for reference in dict.fromkeys(chosen)]
        return [Line("heading", "", title), *made] if made else []

    if is_path(rest) and places:
        shown.update(place.reference for place in places)
        listed = [Line("heading", "", "What continues the path"), *places]
    else:
        listed = []
    listed += section("Bundled", (_on(host, name) for name in BUNDLED))
    listed += section("Opened before", recent)
    for shelf, title in (("folder", "Folders"), ("cache", "Cache of the hub")):
        listed += section(title, (name for name, model in found.items() if model.shelf == shelf))
    if not host:
        machines = [Line("machine", f"{name}:", f"{name}:") for name in hosts if rest.lower() in name.lower()]
        listed += [Line("heading", "", "Other machines"), *machines] if machines else []
    elif inventory is None:
        listed.append(Line("connect", typed, f"list the models of {host}"))
    return tuple(listed)


def common(typed: str, shown: Sequence[Line]) -> str:
    """``typed`` with all that the lines which begin with it have in common; as it is where none does."""
    going_on = [line.reference for line in shown if line.reference.startswith(typed) and line.kind != "connect"]
    if not going_on:
        return typed
    first, last = min(going_on), max(going_on)
    end = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), len(first))
    return first[:end]


def age(seconds: float) -> str:
    """``today``, ``3 days``, ``5 months``, ``2 years``."""
    days = int(max(seconds, 0) / _DAY)
    if days == 0:
        return "today"
    for unit, length in (("year", 365), ("month", 30), ("day", 1)):
        if (count := days // length) >= 1:
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return ""


def _on(host: str, reference: str) -> str:
    return f"{host}:{reference}" if host else reference


def _line(reference: str, model: FoundModel | None, loaded: Mapping[str, int]) -> Line:
    remark = "loaded" if reference in loaded else "" if model is None else model.lacking
    nbytes, used = (None, None) if model is None else (model.nbytes, model.used)
    return Line("model", reference, host_and_rest(reference)[1] or reference, nbytes, used, remark)
