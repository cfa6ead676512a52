"""Measure what docs/comparison.md says of comparisons: sketches, rounding, false discoveries, power and time.

Run from the root of the repository::

    python scripts/measure_comparison.py [sketches rounding discoveries power speed]

It prints one Markdown table for each subject. Everything random has the seed 0.
"""

from __future__ import annotations

import argparse
import itertools
import os
import time
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np
from scipy import stats

from faa_core.comparison.compare import compare
from faa_core.comparison.differences import differences
from faa_core.comparison.order import discoveries
from faa_core.comparison.sketch import divergence, sketch_rows
from faa_core.heads.divergence import head_divergence
from faa_core.records import Analysis, LayerInfo, LayerSketch
from faa_core.significance import benjamini_hochberg, sign_flip_p
from faa_core.worker.session import session
from faa_tui.samples import samples

MODELS = ("demo", "demo@init")
SAMPLES = samples()[:4]
"""Those that the page is about: Python twice, a list of words, English prose."""
ROWS, TOP = (8, 16, 32), (4, 8, 16)
TEXTS = 18
"""Pieces of the sample texts; there are no more of their length."""


def row(*cells: object) -> None:
    print("| " + " | ".join(map(str, cells)) + " |", flush=True)


def title(*names: str) -> None:
    print()
    row(*names)
    row(*("---",) * len(names))


def pieces(count: int, length: int = 130) -> list[str]:
    """Pieces of ``length`` characters of the sample texts, in turns."""
    each = [
        [sample.text[start : start + length] for start in range(0, len(sample.text) - length + 1, length)]
        for sample in SAMPLES
    ]
    taken = [piece for group in itertools.zip_longest(*each) for piece in group if piece is not None]
    return (taken * (count // len(taken) + 1))[:count]


def runs(models: Sequence[str], texts: Sequence[str]) -> list[list[Analysis]]:
    with session() as worker:
        return [[worker.analyse(model, text) for text in texts] for model in models]


def joined(sketches: Sequence[LayerSketch]) -> LayerSketch:
    """The heads of all layers as if they were of one."""
    first = sketches[0]
    heads = sum(sketch.info.heads for sketch in sketches)
    return msgspec.structs.replace(
        first,
        info=LayerInfo("decoder", 0, heads, "causal"),
        keys=np.concatenate([sketch.keys for sketch in sketches]),
        weights=np.concatenate([sketch.weights for sketch in sketches]),
        mass=np.concatenate([sketch.mass for sketch in sketches]),
    )


def measure_sketches() -> None:
    """Divergences of sketches beside those of whole maps, all pairs of heads of both models."""
    errors: dict[tuple[int, int], list[list[float]]] = {}
    with session() as worker:
        for sample in SAMPLES:
            maps, numbers, counts = [], [], []
            for model in MODELS:
                analysis = worker.analyse(model, sample.text)
                numbers.append(worker.run)
                counts.append(len(analysis.tokens))
                maps.append(
                    np.stack(
                        [
                            worker.map("decoder", layer.info.layer, head).astype(np.float32)
                            for layer in analysis.layers
                            for head in range(layer.info.heads)
                        ]
                    )
                )
            upper = np.triu_indices(len(maps[0]), 1)
            exact = [head_divergence(maps[0], None, "causal").value[upper], head_divergence(*maps, "causal").value]
            for rows, top in itertools.product(ROWS, TOP):
                a, b = (
                    joined(worker.sketch("decoder", sketch_rows(counts[0], rows), top, run=number))
                    for number in numbers
                )
                found = [divergence(a, a)[upper], divergence(a, b)]
                for whole, sketched in zip(exact, found, strict=True):
                    x, y = whole.ravel(), sketched.ravel()
                    errors.setdefault((rows, top), []).append(
                        [stats.spearmanr(x, y)[0], np.abs(x - y).mean(), np.abs(x - y).max(), (y - x).mean()]
                    )
    names = ("rank correlation", "mean error", "largest error", "bias")
    title("rows", "keys", "kB for 144 heads", *(f"{name}, {which}" for which in ("demo", "to init") for name in names))
    for (rows, top), each in errors.items():
        cells = []
        for half in (np.array(each[::2]), np.array(each[1::2])):  # of one model, and of the two, over the texts
            rank, mean, bias = half[:, [0, 1, 3]].mean(0)
            cells += [f"{rank:.3f}", f"{mean:.3f}", f"{half[:, 2].max():.3f}", f"{bias:+.3f}"]
        row(rows, top, round(144 * rows * top * 4 / 1000), *cells)


def measure_rounding() -> None:
    """The same model on the same texts in processes that add in another order."""
    texts = [sample.text for sample in SAMPLES]
    (plain,) = runs(MODELS[:1], texts)
    title("process", "largest relative difference", "in", "discoveries")
    settings = {"one thread": {"OMP_NUM_THREADS": "1"}, "no vector units": {"ATEN_CPU_CAPABILITY": "default"}}
    settings["other matrix kernels"] = {"MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "ONEDNN_MAX_CPU_ISA": "SSE41"}
    settings["all three"] = {name: value for chosen in settings.values() for name, value in chosen.items()}
    for name, chosen in settings.items():
        before = dict(os.environ)
        os.environ.update(chosen)
        (other,) = runs(MODELS[:1], texts)
        os.environ.clear()
        os.environ.update(before)
        found = compare(plain, other)
        apart: dict[str, float] = {}
        for a, b in zip(plain, other, strict=True):
            for one, two in zip(a.layers, b.layers, strict=True):
                scale = np.maximum(1.0, np.abs(one.effective))
                each = np.nan_to_num(np.abs(one.effective - two.effective) / scale).max(1)
                for statistic, value in zip(one.statistics.names, each.tolist(), strict=True):
                    apart[statistic] = max(apart.get(statistic, 0.0), value)
        most = max(apart, key=lambda statistic: apart[statistic])
        row(name, f"{apart[most]:.1e}", most, sum(discoveries(found).values()))


def exchanged(count: int, texts: int) -> Iterator[np.ndarray]:
    """Differences [texts, statistics, heads] of the bundled model, trained and not, sides exchanged at random."""
    a, b = runs(MODELS, pieces(texts))
    pairs = compare(a, b).matching.pairs
    each = np.stack([differences([one], [two], pairs).difference for one, two in zip(a, b, strict=True)])
    random = np.random.default_rng(0)
    for _ in range(count):
        yield each * random.choice((-1.0, 1.0), texts)[:, None, None]


def measure_discoveries(count: int = 300) -> None:
    """How often a family of true nulls holds a discovery: real heads, whose dependence no simulation has."""
    title("texts", "families", "tests", "p at most .05", "families with a discovery at q = .05")
    for texts in (6, 8, 10, 12, TEXTS):
        rejected, discovered, families, tests = 0, 0, 0, 0
        for values in exchanged(count, texts):
            p = np.stack([sign_flip_p(values[:, place], flips=999).p for place in range(values.shape[1])])
            q = benjamini_hochberg(p, axis=1)
            tested = np.isfinite(p)
            families += int(tested.any(1).sum())
            tests += int(tested.sum())
            rejected += int((p[tested] <= 0.05).sum())
            discovered += int((np.nan_to_num(q, nan=1.0) <= 0.05).any(1).sum())
        row(texts, families, tests, f"{rejected / tests:.3f}", f"{discovered / families:.3f}")


def measure_power(count: int = 4000) -> None:
    """How often a difference of d standard deviations is found, by the sign-flip test and by Student's."""
    title("texts", "smallest p", *(f"d = {d}: flips, t" for d in (0, 0.5, 1, 2)))
    random = np.random.default_rng(0)
    for texts in (5, 6, 8, 10, 15, 20, 30):
        cells = []
        for effect in (0, 0.5, 1, 2):
            values = random.normal(effect, 1.0, (texts, count))
            flipped = (sign_flip_p(values, flips=1999).p <= 0.05).mean()
            student = (stats.ttest_1samp(values, 0).pvalue <= 0.05).mean()
            cells.append(f"{flipped:.2f}, {student:.2f}")
        smallest = max(2 / 2**texts, 1e-4 if texts > 12 else 0)
        row(texts, f"{smallest:.2g}", *cells)


def measure_speed() -> None:
    """Time of one comparison, without the runs."""
    title("heads", "texts", "seconds")
    a, b = runs(MODELS, pieces(TEXTS))
    for copies in (1, 5, 32):
        wide = [[_repeated(run, copies) for run in side] for side in (a, b)]
        for texts in (1, TEXTS):
            start = time.perf_counter()
            compare(wide[0][:texts], wide[1][:texts])
            row(32 * copies, texts, f"{time.perf_counter() - start:.2f}")


def _repeated(run: Analysis, copies: int) -> Analysis:
    """The same run with its layers several times."""
    layers = []
    for copy in range(copies):
        for layer in run.layers:
            info = msgspec.structs.replace(layer.info, layer=layer.info.layer + copy * len(run.layers))
            layers.append(msgspec.structs.replace(layer, info=info))
    return msgspec.structs.replace(run, layers=tuple(layers))


SUBJECTS = {
    "sketches": measure_sketches,
    "rounding": measure_rounding,
    "discoveries": measure_discoveries,
    "power": measure_power,
    "speed": measure_speed,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("subjects", nargs="*", metavar="SUBJECT", help=f"only these: {', '.join(SUBJECTS)}")
    for name in parser.parse_args().subjects or SUBJECTS:
        SUBJECTS[name]()


if __name__ == "__main__":
    main()
