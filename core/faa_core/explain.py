"""One page for each quantity and for each idea behind them, composed of the catalogue and of what stands in ``pages``.

What a number is stands in the catalogue alone; how it is estimated, when it is undefined, how accurate it is and how
to read it stands in its page. This module knows neither torch nor the screen.
"""

from __future__ import annotations

import difflib
import re
import textwrap
from importlib.resources import files

from faa_core.catalogue import BY_KEY, ENTRIES, KEYS, Entry, When
from faa_core.errors import UsageError
from faa_core.records import STATUS_MEANING

CONCEPTS: tuple[str, ...] = (
    "lift",
    "support",
    "null",
    "without_first",
    "status",
    "p_value",
    "label",
    "probe",
    "rollout",
)
"""Pages on what is no number of its own; the title is the first line of the file."""

NAMES: tuple[str, ...] = (*KEYS, *CONCEPTS)
"""Names of all pages, those of quantities in the order of the catalogue first."""

SECTIONS: tuple[str, ...] = ("How it is estimated", "When it is undefined", "How accurate", "How to read it")
"""Headings of the body of every quantity, in this order."""

MEASURED: dict[When, str] = {
    "run": "in every run, for every head",
    "head": "for one head on request: `faa examine MODEL L.H`, or key `{key}` in the application",
    "texts": "over several texts: `faa analyze MODEL --texts PATH`",
}
"""When a quantity is measured; ``{key}`` stands for the key of the application that measures one head."""

_WIDTH = 100
_STATUSES = "STATUSES"  # stands for the list of all of them
_NEAR = 5


def page(name: str, key: str = "x") -> str:
    """The page that ``name`` means, in Markdown.

    Args:
        name: As for `find`.
        key: The key of the application that measures one head.

    Raises:
        UsageError: There is none.
    """
    found = find(name)
    return _quantity(BY_KEY[found], key) if found in BY_KEY else _concept(found)


def find(name: str) -> str:
    """The one of `NAMES` that ``name`` means: itself in any case, a symbol, a title; with or without a ``[parameter]``.

    Raises:
        UsageError: There is none; the hint has the names that come near.
    """
    wanted = _plain(re.sub(r"\[[^\]]*\]$", "", name.strip()))
    known = _known()
    if wanted in known:
        return known[wanted]
    inside = [known[text] for text in known if len(wanted) > 2 and wanted in text]
    alike = [known[text] for text in difflib.get_close_matches(wanted, known, n=_NEAR)]
    near = list(dict.fromkeys([*alike, *inside]))[:_NEAR]
    close = f"Close to it: {', '.join(near)}. " if near else ""
    raise UsageError(f"There is no page on {name!r}.", f"{close}'faa explain' lists all names.")


def title(name: str) -> str:
    """Title of one of `NAMES`."""
    if name in BY_KEY:
        return BY_KEY[name].title
    return _body(name).partition("\n")[0].removeprefix("# ")


def groups() -> dict[str, tuple[str, ...]]:
    """`NAMES` by the group of the catalogue, the concepts last."""
    listed: dict[str, tuple[str, ...]] = {}
    for entry in ENTRIES:
        listed[entry.group] = (*listed.get(entry.group, ()), entry.key)
    return listed | {"concepts": CONCEPTS}


def _quantity(entry: Entry, key: str) -> str:
    facts = (
        f"**Key** `{entry.key}`, **symbol** {entry.symbol}, **group** {entry.group}",
        f"**Range** {_range(entry)}",
        f"**Measured** {MEASURED[entry.when].format(key=key)}",
        f"**Source** {entry.source}",
    )
    listed = "\n".join(_wrapped(fact, "- ") for fact in facts)
    definition, null = _wrapped(entry.definition), _wrapped(f"**Null.** {entry.null}")
    return f"# {entry.title}\n\n{listed}\n\n{definition}\n\n{null}\n\n{_body(entry.key)}"


def _concept(name: str) -> str:
    listed = "\n".join(_wrapped(f"`{status}`: {meaning}", "- ") for status, meaning in STATUS_MEANING.items())
    return _body(name).replace(f"{{{_STATUSES}}}", listed)


def _range(entry: Entry) -> str:
    low = "no lower bound" if entry.low is None else f"from {entry.low:g}"
    high = "no upper bound" if entry.high is None else f"to {entry.high:g}"
    between = " " if entry.low is not None and entry.high is not None else ", "
    return low + between + high + (f", in {entry.unit}" if entry.unit else "")


def _body(name: str) -> str:
    return files("faa_core").joinpath("pages", f"{name}.md").read_text(encoding="utf-8")


def _wrapped(text: str, indent: str = "") -> str:
    """Lines of Markdown. No line begins with an operator, which would make a list or a quotation of it."""
    held = re.sub(r" (?=[-+>#=*%] )", "\0", text)
    lines = textwrap.wrap(
        held,
        _WIDTH,
        initial_indent=indent,
        subsequent_indent=" " * len(indent),
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(lines).replace("\0", " ")


def _known() -> dict[str, str]:
    """Every text that means a page, the surest first, to its name."""
    known: dict[str, str] = {}
    for texts in (
        {name: name for name in NAMES},
        {entry.symbol: entry.key for entry in ENTRIES},
        {title(name): name for name in NAMES},
    ):
        for text, name in texts.items():
            known.setdefault(_plain(text), name)
    return known


def _plain(text: str) -> str:
    return re.sub(r"[\s_-]+", " ", text.casefold()).strip()


__all__ = ["CONCEPTS", "MEASURED", "NAMES", "SECTIONS", "find", "groups", "page", "title"]
