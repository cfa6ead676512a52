"""Measure the geometry of stored attention beside one ``torch.amax`` of the same tensor, in one process.

Every contender runs in turn, round after round, and the table shows medians: only ratios of one run mean something on
a machine that does other things too. The compiled kernels need the extra ``fast``. FAA 1.0.0 and PoreSpy are
compared with where they are installed::

    pip install --constraint constraints.txt --editable '.[bench]'

They run on a few heads, scaled to all. Memory is four bytes an entry, 0.6 GB by default, and as much again.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from importlib.util import find_spec

import torch
from bench_table import Row, print_table

from faa_core.geometry import Support, compiled
from faa_core.geometry.box_counter import BoxCounter, Grid
from faa_core.geometry.pyramid import mass_pyramid, max_pyramid
from faa_core.geometry.scan import box_counts, power_sums, scan

LAYER = 12  # heads of a layer, which come together and whose results are let go before the next
GRID = Grid(-40, 23)  # 64 thresholds, 2^-20 to 2^11.5
ENTRIES_BEFORE = {"torch": 1 << 62, "numba": -1}  # entries before the kernels are used

Contender = Callable[[], object]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--heads", type=int, default=144)
    parser.add_argument("--tokens", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    options = parser.parse_args()
    rows: list[Row] = []
    for support in ("causal", "full"):
        rows += measure(support, options.heads, options.tokens, options.rounds)
    if options.json:
        print(json.dumps([asdict(row) | {"verdict": row.verdict} for row in rows]))
    else:
        print(f"{options.heads} x {options.tokens} x {options.tokens} float32, {torch.get_num_threads()} threads\n")
        print_table(rows)
    return 0


def measure(name: str, heads: int, n: int, rounds: int) -> list[Row]:
    """Rows of one kind of attention: softmax of Gaussian logits of standard deviation 2."""
    support = Support.causal(n) if name == "causal" else Support.full(n, n)
    generator = torch.Generator().manual_seed(0)
    hidden = ~support.mask()
    x = torch.empty(heads, n, n)
    for head in x:
        logits = 2 * torch.randn(n, n, generator=generator)
        torch.softmax(logits.masked_fill_(hidden, -torch.inf), -1, out=head)
    lengths = support.lengths

    work: dict[str, Contender] = {
        "max pyramid": lambda: max_pyramid(x),
        "max pyramid, layer by layer": lambda: [max_pyramid(layer) for layer in x.split(LAYER)],
        "mass pyramid": lambda: mass_pyramid(x),
        "64 thresholds, all sizes": lambda: box_counts(x, lengths, GRID),
        "25 thresholds, all sizes": lambda: box_counts(x, lengths),
        "5 Renyi moments, all sizes": lambda: power_sums(x),
        "64 thresholds and 5 moments": lambda: scan(x, lengths, GRID),
        "BoxCounter from strips": lambda: _stream(x),
        "everything": lambda: [(max_pyramid(layer), scan(layer, lengths, GRID)) for layer in x.split(LAYER)],
    }
    contenders: dict[tuple[str, str], Contender] = {("amax", ""): x.amax}
    engines = ["torch", "numba"] if find_spec("numba") else ["torch"]
    contenders |= {(what, engine): _by(engine, run) for what, run in work.items() for engine in engines}
    contenders |= {(what, ""): run for what, run in _others(x).items()}
    seconds: dict[tuple[str, str], list[float]] = {key: [] for key in contenders}
    for _ in range(rounds + 1):
        for key, run in contenders.items():
            start = time.perf_counter()
            run()
            seconds[key].append(time.perf_counter() - start)
    # The first round warms up, and compiles.
    median = {key: statistics.median(times[1:]) for key, times in seconds.items()}
    amax = median["amax", ""]
    missing = "not installed"

    def row(what: str, engine: str, limit: float) -> Row:
        label = f"{name}: {what}, {engine}"
        if (what, engine) not in median:
            return Row(label, math.nan, limit, "x amax", missing)
        taken = median[what, engine]
        detail = f"{1e3 * taken:.1f} ms, amax {1e3 * amax:.1f} ms, {1e9 * taken / x.numel():.2f} ns an entry"
        return Row(label, taken / amax, limit, "x amax", detail)

    goals = {
        "max pyramid": (3, 3),
        "max pyramid, layer by layer": (3, 3),
        "64 thresholds and 5 moments": (20, 6),
        "everything": (20, 6),
    }
    rows = [
        row(what, engine, goals.get(what, (math.nan, math.nan))[i])
        for what in work
        for i, engine in enumerate(("torch", "numba"))
    ]
    for other, (pyramid, everything) in {"FAA 1.0.0": (50, 7), "PoreSpy": (math.nan, math.nan)}.items():
        for what, limit in (("max pyramid, layer by layer", pyramid), ("everything", everything)):
            for engine in ("torch", "numba"):
                label = f"{name}: {other} / {what} a head, {engine}"
                if (other, "") in median and (what, engine) in median:
                    theirs, ours = median[other, ""], median[what, engine] / heads
                    detail = f"{1e3 * theirs:.1f} ms and {1e3 * ours:.2f} ms a head"
                    rows.append(Row(label, theirs / ours, limit, "x", detail, at_least=True))
                else:
                    rows.append(Row(label, math.nan, limit, "x", missing, at_least=True))
    return rows


def _by(engine: str, run: Contender) -> Contender:
    """``run`` with the compiled kernels, or without."""

    def call() -> object:
        compiled.RENT = ENTRIES_BEFORE[engine]
        return run()

    return call


def _stream(x: torch.Tensor) -> object:
    """Box counts from strips of 64 rows of 12 heads, with the copy that a stream makes of each."""
    results = []
    for layer in x.split(LAYER):
        counter = BoxCounter(len(layer), *x.shape[1:])
        for row in range(0, x.shape[1], 64):
            counter.add(row, layer[:, row : row + 64] * float(x.shape[2]))
        results.append(counter.finish())
    return results


def _others(x: torch.Tensor) -> dict[str, Contender]:
    """Seconds a head of the packages compared with: one threshold, their own sizes."""
    others: dict[str, Contender] = {}
    if find_spec("fractal_attention_analysis"):
        from fractal_attention_analysis import FractalTransforms

        transforms, heads = FractalTransforms(), x[:1].numpy()
        others["FAA 1.0.0"] = lambda: transforms.compute_fractal_dimension(heads[0])
    if find_spec("porespy"):
        from porespy.metrics import boxcount

        image = (x[0] > x[0].median()).numpy()
        others["PoreSpy"] = lambda: boxcount(image)
    return others


if __name__ == "__main__":
    sys.exit(main())
