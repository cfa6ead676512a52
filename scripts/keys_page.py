"""Write the tables of docs/how-to/configure.md: every action that a key can be chosen for, from the registry.

``--check`` writes nothing and fails when the page is out of date.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from textual.app import App
from textual.binding import Binding

from faa_tui.keymap import Bound, names_of, places

PAGE = Path(__file__).resolve().parent.parent / "docs" / "how-to" / "configure.md"
BEGIN = "<!-- Written by scripts/keys_page.py from the registry of actions. -->\n"
END = "<!-- Up to here. -->\n"


def tables() -> str:
    """A table for each place; an action stands in the first place that has it."""
    everywhere: dict[str, list[Bound]] = {"Everywhere": []}
    seen: set[str] = set()
    for bounds in places().values():
        for bound in bounds:
            if bound.id not in seen:
                seen.add(bound.id)
                everywhere.setdefault(bound.place, []).append(bound)
    return "\n".join(f"### {place}\n\n{_table(bounds)}" for place, bounds in everywhere.items())


def _table(bounds: list[Bound]) -> str:
    lines = ["| action | keys | |", "|---|---|---|"]
    lines += [f"| `{bound.id}` | {_keys(bound.keys)} | {_cell(bound.words)} |" for bound in bounds]
    return "\n".join(lines) + "\n"


def _keys(keys: str) -> str:
    # As one would type them into the configuration: a character where there is one.
    return " ".join(f"<code>{_cell(_written(name))}</code>" for name in names_of(keys))


def _written(name: str) -> str:
    shown = App[None]().get_key_display(Binding(name, "", ""))
    return shown if len(shown) == 1 and shown != "," and shown.isascii() else name


def _cell(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("|", "&#124;")


def main() -> int:
    """Write the page, or compare it; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, fail when the page is out of date")
    options = parser.parse_args()
    before = PAGE.read_text(encoding="utf-8")
    head, _, rest = before.partition(BEGIN)
    after = f"{head}{BEGIN}\n{tables()}\n{END}{rest.partition(END)[2]}"
    if options.check:
        if before != after:
            print(f"{PAGE} is out of date: run python scripts/keys_page.py", file=sys.stderr)
            return 1
        return 0
    PAGE.write_text(after, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
