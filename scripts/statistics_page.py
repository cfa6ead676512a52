"""Write docs/statistics.md from the catalogue, so that a definition stands in one place only.

``--check`` writes nothing and fails when the page is out of date.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from faa_core.catalogue import ENTRIES
from faa_core.records import STATUS_MEANING

WHEN = {"run": "", "head": "Measured for one head on request.", "texts": "Measured over several texts."}
"""When a number is measured, where that is not in every run."""

PAGE = Path(__file__).resolve().parent.parent / "docs" / "statistics.md"

HEAD = """\
# What the numbers are

<!-- Written by scripts/statistics_page.py from faa_core/catalogue.py and faa_core/records.py. -->

Notation: A is one head's attention, queries i on rows, keys j on columns; V(i) are the keys that row i may see, n_i
their number. Lift is A_ij n_i: how many times an even share a key gets. Rows of models with learned sinks sum to less
than one and are never renormalised.

Most statistics are also given **without the first token**: key 0 is dropped and each row is divided by what is left of
it. Rows with less than .05 left do not count. So are those of even attention, which is the null there too.

Every number has a **null**: the same number for attention that is even over V(i). The **excess** (for a dimension:
delta) is the value minus the null. A number that is not defined is empty, and its **status** says why.

| status | meaning |
|---|---|
"""

FOOT = """\

## Labels

A label names the textbook pattern that a head matches best on this text, with the statistic that decided, its value,
the threshold it had to exceed, and the runner-up. Positional and content patterns are looked at before the sink: most
heads of most models also put mass on the first token, and a rule that asks for the sink first calls nearly all of them
sinks. For the same reason their scores are those of the rows without the first token, unless more than half of the rows
are dormant; the evidence says which. `mixed` means that no rule holds. A label describes one text, not a mechanism.
"""


def page() -> str:
    """The whole page."""
    lines = [HEAD + "\n".join(f"| `{name}` | {meaning} |" for name, meaning in STATUS_MEANING.items())]
    for entry in ENTRIES:
        unit = f", in {entry.unit}" if entry.unit else ""
        high = "no bound" if entry.high is None else f"{entry.high:g}"
        lines.append(f"\n## {entry.title}\n")
        lines.append(f"`{entry.key}`{unit}; from {entry.low:g} to {high}. {entry.definition}\n")
        when = WHEN[entry.when]
        lines.append(f"Null: {entry.null} Source: {entry.source}.{when and ' ' + when}")
    return "\n".join(lines) + "\n" + FOOT


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when the page is out of date")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE.name} is out of date: run python scripts/statistics_page.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
