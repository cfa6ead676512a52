"""What is said of the number that is marked, above the page that explains it: its value here, its null, its status."""

from __future__ import annotations

import math
from dataclasses import dataclass

from faa_core.catalogue import BY_KEY, Entry
from faa_core.comparison.records import Comparison
from faa_core.records import STATUS_MEANING, STATUSES, LayerResult
from faa_tui.head_address import named


@dataclass(frozen=True)
class Explained:
    """A page, and what is known here of the number that it is about.

    Attributes:
        name: Name of the page, one of `faa_core.explain.NAMES`.
        where: Of which head or pair the facts are; "" where there are none.
        facts: Name and value of each.
        remark: A sentence below them, such as what the status means; "" for none.
    """

    name: str
    where: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    remark: str = ""


def of_head(key: str, result: LayerResult | None, head: int) -> Explained:
    """The statistic ``key`` of one head; the page alone where it was not measured."""
    if result is None or key not in result.statistics.names:
        return Explained(key)
    entry, row, numbers = BY_KEY[key], result.statistics.row(key), result.statistics
    value, null, error = (float(one[row, head]) for one in (numbers.value, numbers.null, numbers.error))
    status = STATUSES[numbers.status[row, head]]
    facts = [("value", _figure(value, entry)), ("null", _figure(null, entry))]
    facts.append(("excess", _figure(value - null, entry, signed=True)))
    if math.isfinite(error):
        facts.append(("error", f"±\N{NO-BREAK SPACE}{_figure(error, entry)}"))
    slope = float(result.effective[row, head])
    if math.isnan(value) and math.isfinite(slope):
        facts.append(("effective slope", f"({_figure(slope, entry)})"))
    facts.append(("status", status.replace("_", " ")))
    where = f"layer {result.info.name} head {head}"
    return Explained(key, where, tuple(facts), "" if status == "ok" else STATUS_MEANING[status])


def of_pair(key: str, comparison: Comparison | None, index: int | None) -> Explained:
    """The statistic ``key`` of a pair of heads; the page alone where there are no numbers."""
    if comparison is None or index is None or key not in comparison.differences.names:
        return Explained(key)
    entry, differences = BY_KEY[key], comparison.differences
    row, pair = differences.row(key), comparison.matching.pairs[index]
    a, b, apart, low, high, q = (
        float(one[row, index])
        for one in (
            differences.a, differences.b, differences.difference, differences.low, differences.high, differences.q,
        )
    )  # fmt: skip
    facts = [("first", _figure(a, entry)), ("other", _figure(b, entry))]
    facts.append(("difference", _figure(apart, entry, signed=True)))
    if math.isfinite(low):
        facts.append(("95 %", f"{_figure(low, entry)} to {_figure(high, entry)}"))
    if math.isfinite(q):
        facts.append(("q", f"{q:.3f}"))
    heads = (named(head.kind, head.layer, head.head) for head in (pair.a, pair.b))
    return Explained(key, " and ".join(heads), tuple(facts))


def _figure(value: float, entry: Entry, signed: bool = False) -> str:
    if not math.isfinite(value):
        return "undefined"
    return f"{value:{'+' if signed else ''}z.{max(entry.decimals, 3)}f}"
