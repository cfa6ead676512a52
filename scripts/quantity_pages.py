"""Write docs/quantities from the catalogue and the pages that ``faa explain`` prints.

``--check`` writes nothing and fails when a page is out of date.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from faa_core.catalogue import BY_KEY
from faa_core.explain import NAMES, groups, page, title

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "quantities"

NOTE = "<!-- Written by scripts/quantity_pages.py from faa_core/catalogue.py and faa_core/pages. -->\n"

HEAD = """\
# Quantities

{note}
One page for each number: what it is, how it is estimated, when it is undefined, how accurate it is, and how to read
it. `faa explain NAME` prints the same page in the terminal.
"""

WHEN = {"run": "every run", "head": "one head on request", "texts": "several texts"}


def pages() -> dict[str, str]:
    """File name to content."""
    written = {f"{name}.md": f"{NOTE}\n{page(name)}" for name in NAMES}
    return written | {"README.md": index()}


def index() -> str:
    """The list of all pages."""
    lines = [HEAD.format(note=NOTE)]
    for group, names in groups().items():
        lines.append(f"## {group.capitalize()}\n")
        if names[0] in BY_KEY:
            lines += ["| number | key | symbol | measured |", "|---|---|---|---|"]
            for entry in (BY_KEY[name] for name in names):
                lines.append(
                    f"| [{entry.title}]({entry.key}.md) | `{entry.key}` | {entry.symbol} | {WHEN[entry.when]} |"
                )
        else:
            lines += [f"- [{title(name)}]({name}.md), `faa explain {name}`" for name in names]
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a page is out of date")
    check = parser.parse_args().check
    wanted = pages()
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    if check:
        wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        if wrong:
            names = ", ".join(wrong)
            print(f"docs/quantities is out of date ({names}): run python scripts/quantity_pages.py", file=sys.stderr)
        return int(bool(wrong))
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in found.keys() - wanted.keys():
        (FOLDER / name).unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
