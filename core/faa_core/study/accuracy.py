"""Accuracy: every estimator on objects whose dimension is known, beside the error that it may make.

The goals stand in the rows, so that a reader sees what is claimed and what is reached, in one run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from faa_core.geometry.box_counting import BoxMethod, box_dimension
from faa_core.geometry.lacunarity import box_lacunarity, lacunarity
from faa_core.geometry.renyi import renyi_dimensions
from faa_core.geometry.spectrum import singularity_spectrum
from faa_core.geometry.support import Support
from faa_core.geometry.surface import surface_dimension_of_field
from faa_core.known.measures import (
    BINOMIAL,
    TRINOMIAL,
    cascade,
    cascade_dimension,
    cascade_spectrum,
    cascade_strength,
    uniform_causal,
)
from faa_core.known.sets import SETS, KnownSet, known_set, percolation, random_generator, self_similar
from faa_core.known.surfaces import brownian_surface

Floats = NDArray[np.float64]

SIZES = (243, 256, 512, 729, 1024)
"""Sides at which sets are measured: powers of two, powers of three, and hence off the grid of one of them."""
ON_GRID = {2: (256, 512, 1024), 3: (243, 729)}
"""Sides at which a set of this base is exact."""
METHODS: tuple[BoxMethod, ...] = ("pyramid", "offsets")
ORDERS = (0.0, 0.5, 1.0, 2.0, 3.0, 5.0)
HURST = (0.2, 0.35, 0.5, 0.65, 0.8)
SURFACES = {128: (8, 0.015), 256: (6, 0.006), 512: (4, 0.003), 1024: (1, 0.0025)}
"""Side to the number of surfaces for each Hurst exponent, and the goal."""


@dataclass(frozen=True)
class AccuracyRow:
    """One claim about accuracy beside what was measured.

    Attributes:
        what: The quantity and the objects.
        n: Sizes.
        measured: Error found; NaN where nothing could be measured.
        goal: Largest error allowed.
        unit: What both are, for example ``RMS``.
        detail: What else the reader should know.
    """

    what: str
    n: str
    measured: float
    goal: float
    unit: str
    detail: str = ""

    @property
    def verdict(self) -> str:
        """``ok`` or ``MISSED``."""
        return "ok" if self.measured <= self.goal else "MISSED"


def rows() -> Iterator[AccuracyRow]:
    """Every row, computed as it is asked for. All of them take about a minute on one core."""
    for part in (exact_sets, sets_off_the_grid, random_sets, intervals, cascades, even_attention, textures, surfaces):
        yield from part()


def exact_sets() -> Iterator[AccuracyRow]:
    """Sets and supports on which nothing may be lost."""
    sides = (64, 77, 100, 192, 250, 333)
    errors = [
        _errors([known_set(name, n) for name in ("square", "line")], method) for n in sides for method in _methods(n)
    ]
    yield AccuracyRow("D_0 of a square and a line", _span(sides), _worst(errors), 1e-12, "largest error")

    errors = []
    for n in sides:
        for support in (Support.causal(n), Support.sliding(n, 40), Support.full(n, n + 17)):
            differences = [box_dimension(support.mask(), support, method=method).difference for method in _methods(n)]
            errors.append(np.asarray(differences))
    yield AccuracyRow(
        "D_0 of a full support, relative to it",
        _span(sides),
        _worst(errors),
        1e-12,
        "largest error",
        "causal, sliding window and rectangle",
    )

    for base, names in ((2, ("sierpinski", "diagonal")), (3, ("cantor", "carpet", "vicsek"))):
        errors = [_errors([known_set(name, n) for name in names], "offsets") for n in ON_GRID[base]]
        yield AccuracyRow(
            f"D_0 of {', '.join(names)} on their own grid", _list(ON_GRID[base]), _worst(errors), 1e-12, "largest error"
        )


def sets_off_the_grid() -> Iterator[AccuracyRow]:
    """The sets by which the method was chosen, at all sizes."""
    found = [_errors([known_set(name, n) for name in SETS], "offsets") for n in SIZES]
    errors = np.concatenate(found)
    off = errors[np.abs(errors) > 1e-9]
    what, n = "D_0 of nine sets, all placements of the grid", _list(SIZES)
    detail = f"{len(off)} of {len(errors)} lie off every grid: mean {np.abs(off).mean():.3f}, RMS {_rms(off):.3f}"
    yield AccuracyRow(what, n, float(np.abs(errors).mean()), 0.025, "mean error", detail)
    yield AccuracyRow(what, n, _rms(errors), 0.032, "RMS")
    yield AccuracyRow(what, n, _worst([errors]), 0.09, "largest error")


def random_sets(seed: int = 0) -> Iterator[AccuracyRow]:
    """Sets that no method was tuned on."""
    random = np.random.default_rng(seed)
    sides = (200, 300, 500, 777, 1000)
    errors = {}
    for n in sides:
        bases = (3, 4, 5) * (3 if n > 500 else 5)
        generators = [random_generator(base, int(random.integers(base, base**2)), random) for base in bases]
        errors[n] = _errors([self_similar(generator, n) for generator in generators], "offsets")
    for least, goal in ((200, 0.04), (500, 0.025)):
        chosen = np.concatenate([found for n, found in errors.items() if n >= least])
        yield AccuracyRow(
            "D_0 of random generators, bases 3 to 5", f">= {least}", _rms(chosen), goal, "RMS", f"{len(chosen)} sets"
        )

    sides = (256, 300, 512, 729, 1024)
    drawn_sets = [(n, percolation(n, p, random)) for n in sides for p in (0.6, 0.7, 0.8, 0.9) * 6]
    for method in METHODS:
        chosen = np.concatenate([_errors([one], method) for _, one in drawn_sets])
        yield AccuracyRow(
            "D_0 of percolation",
            _list(sides),
            _rms(chosen),
            0.05,
            "RMS",
            f"method {method}, {len(chosen)} sets; the realisation itself is what limits it",
        )


def intervals(seed: int = 1, sets: int = 150) -> Iterator[AccuracyRow]:
    """Whether the 95 % intervals hold the dimension in 95 % of sets, and whether noise is refused."""
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(sets):
        n, base = int(random.integers(192, 400)), int(random.integers(2, 5))
        drawn.append(percolation(n, float(base ** (random.uniform(1.0, 1.97) - 2)), random, base))
    for method in METHODS:
        held = []
        for image, dimension in drawn:
            result = box_dimension(image, method=method)
            if result.status == "ok":
                held.append(abs(float(result.value) - dimension) <= 1.96 * float(result.error))
        share = float(np.mean(held))
        yield AccuracyRow(
            "95 % intervals of D_0 on percolation, bases 2 to 4",
            "192 to 400",
            abs(share - 0.95),
            0.03,
            "distance of the coverage from 0.95",
            f"method {method}: {share:.3f} of the {len(held)} of {sets} sets that have a power law",
        )

    for method in METHODS:
        accepted, heads = 0, 0
        for n in (192, 256, 512):
            attention = _unscaled_heads(n, torch.Generator().manual_seed(seed))
            result = box_dimension(attention, "causal", method=method)
            accepted += int((result.status == "ok").sum())
            heads += len(attention)
        yield AccuracyRow(
            "noise, sinks and windows that pass for a power law",
            "192, 256, 512",
            accepted / heads,
            0.0,
            "share of heads",
            f"method {method}, {heads} heads: logits of deviation 2 and 3, 60 % sink, window of 32",
        )


def cascades() -> Iterator[AccuracyRow]:
    """Multifractal measures, on their grid and off it."""
    orders = tuple(np.arange(-5.0, 5.5, 0.5))
    found: dict[str, list[Floats]] = {"D_q": [], "alpha(q)": [], "f(alpha)": []}
    for generator, sides in ((BINOMIAL, ON_GRID[2]), (TRINOMIAL, ON_GRID[3])):
        for n in sides:
            measure = cascade(n, generator)
            spectrum = singularity_spectrum(measure, orders, unfold=False)
            for name, values, true in (
                ("D_q", renyi_dimensions(measure, orders, unfold=False).effective, cascade_dimension),
                ("alpha(q)", spectrum.alpha.effective, cascade_strength),
                ("f(alpha)", spectrum.f.effective, cascade_spectrum),
            ):
                found[name].append(values - [true(generator, q) for q in orders])
    for name, errors in found.items():
        yield AccuracyRow(
            f"{name} of cascades on their own grid, q from -5 to 5",
            _list(SIZES),
            _worst(errors),
            1e-12,
            "largest error",
        )

    true_dimensions = [cascade_dimension(BINOMIAL, q) for q in ORDERS]
    for sides in ((50, 60, 77, 90), (100, 127, 250, 300, 500, 729, 1000)):
        off = [renyi_dimensions(cascade(n), ORDERS, unfold=False).effective - true_dimensions for n in sides]
        largest = ", ".join(f"{q:g}: {np.abs(np.array(off)[:, i]).max():.3f}" for i, q in enumerate(ORDERS))
        yield AccuracyRow(
            "D_q of a cascade off its grid, q from 0 to 5", _span(sides), _worst(off), 0.03, "largest error", largest
        )


def even_attention() -> Iterator[AccuracyRow]:
    """Uniform causal attention, of which raw estimators make a multifractal."""
    sides = (32, 33, 50, 77, 250, 1000)
    orders = np.arange(0, 10.5, 0.5)
    errors = [renyi_dimensions(uniform_causal(n), orders.tolist(), "causal").effective - 2 for n in sides]
    yield AccuracyRow(
        "D_q of uniform causal attention, unfolded, q from 0 to 10", _span(sides), _worst(errors), 1e-9, "largest error"
    )


def textures(seed: int = 2) -> Iterator[AccuracyRow]:
    """Lacunarity in closed form."""
    n, p = 512, 0.2
    field = np.random.default_rng(seed).random((n, n)) < p
    result = lacunarity(field.astype(np.float64))
    expected = 1 + (1 - p) / (p * np.asarray(result.sides, dtype=np.float64) ** 2)
    yield AccuracyRow(
        "gliding lacunarity of independent cells, p = 0.2",
        str(n),
        _worst([result.value - expected]),
        0.005,
        "largest error",
    )
    errors = []
    for n in ON_GRID[2]:
        boxes = box_lacunarity(cascade(n))
        levels = np.log2(boxes.boxes)
        errors.append(np.log(boxes.value) - levels * np.log(4 * (BINOMIAL**2).sum()))
    yield AccuracyRow(
        "box lacunarity of a cascade", _list(ON_GRID[2]), _worst(errors), 1e-12, "largest error of its logarithm"
    )


def surfaces(seed: int = 3) -> Iterator[AccuracyRow]:
    """Fractional Brownian surfaces, drawn from their exact law."""
    for n, (draws, goal) in SURFACES.items():
        errors = [
            float(surface_dimension_of_field(brownian_surface(n, hurst, seed + draw)).effective) - (3 - hurst)
            for hurst in HURST
            for draw in range(draws)
        ]
        yield AccuracyRow(
            "D of fractional Brownian surfaces, H from 0.2 to 0.8",
            str(n),
            _rms(np.array(errors)),
            goal,
            "RMS",
            f"madogram of second differences, {len(errors)} surfaces",
        )


def _errors(sets: list[KnownSet], method: BoxMethod) -> Floats:
    """Errors of sets that share their side."""
    result = box_dimension(np.stack([one.image for one in sets]), method=method)
    return np.asarray(result.effective - [one.dimension for one in sets], dtype=np.float64)


def _unscaled_heads(n: int, generator: torch.Generator) -> torch.Tensor:
    """Causal attention [8, n, n] that follows no power law at lift 1."""
    support = Support.causal(n)
    noise = torch.randn(8, n, n, generator=generator).masked_fill_(~support.mask(), -torch.inf)
    heads: list[Callable[[torch.Tensor], torch.Tensor]] = [
        lambda z: torch.softmax(2 * z, -1),
        lambda z: torch.softmax(3 * z, -1),
        lambda z: 0.4 * torch.softmax(0.5 * z, -1) + 0.6 * torch.nn.functional.one_hot(torch.zeros(n).long(), n),
        lambda z: torch.softmax(z.masked_fill(~Support.sliding(n, 32).mask(), -torch.inf), -1),
    ]
    return torch.stack([head(noise[2 * i + j]) for i, head in enumerate(heads) for j in range(2)])


def _methods(n: int) -> tuple[BoxMethod, ...]:
    """Methods that measure maps of this side."""
    return METHODS if n >= 192 else METHODS[:1]


def _rms(errors: Floats) -> float:
    return float(np.sqrt(np.mean(errors**2)))


def _worst(errors: list[Floats]) -> float:
    return float(np.abs(np.concatenate([np.ravel(part) for part in errors])).max())


def _list(sides: tuple[int, ...]) -> str:
    return ", ".join(map(str, sides))


def _span(sides: tuple[int, ...]) -> str:
    return str(sides[0]) if len(sides) == 1 else f"{min(sides)} to {max(sides)}"
