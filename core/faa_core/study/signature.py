"""Is there a universal fractal signature of attention? The number of 1.0.0 beside ours, trained and untrained.

Every object has a causal mask and as many tokens. If a number is the same for trained models, untrained ones and noise,
it is a number of the mask.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

import numpy as np

from faa_core.errors import UsageError
from faa_core.geometry import reference_1_0 as reference
from faa_core.geometry.box_counting import box_dimension
from faa_core.geometry.renyi import renyi_dimensions
from faa_core.geometry.scaling import Floats
from faa_core.study.objects import OBJECTS
from faa_core.study.records import Progress, SignatureRow

TOKENS = 250
"""Length at which 1.0.0 gives 2.0296; the signature it was published with is 2.0295."""
FEWEST, MOST = 4, 1024
"""Bounds of the length: the bundled model has positions for the upper one."""


def rows(
    objects: Collection[str] = tuple(OBJECTS),
    tokens: int = TOKENS,
    seed: int = 0,
    tell: Callable[[Progress], None] = lambda progress: None,
) -> Iterator[SignatureRow]:
    """Measure the objects one after the other.

    Args:
        objects: Keys of `faa_core.study.objects.OBJECTS`.
        tokens: Length of the text.
        seed: Of random weights, tokens and noise, from 0.
        tell: Told which object comes next.

    Raises:
        UsageError: There is no such object, or length, or seed.
    """
    for name in objects:
        if name not in OBJECTS:
            raise UsageError(f"The study has no object {name!r}.", f"It has: {', '.join(OBJECTS)}.")
    if not FEWEST <= tokens <= MOST:
        raise UsageError(f"The study runs on {FEWEST} to {MOST} tokens, not {tokens}.")
    if not 0 <= seed < 2**63:
        raise UsageError(f"A seed is a whole number from 0, not {seed}.")
    for done, name in enumerate(objects):
        tell(Progress(OBJECTS[name].title, done, len(objects)))
        yield row(name, tokens, seed)


def row(name: str, tokens: int, seed: int) -> SignatureRow:
    """Measure all heads of one object."""
    references: list[float] = []
    information, box = [], []
    for maps in OBJECTS[name].maps(seed, tokens):
        references += [reference.fractal_dimension(head.numpy()) for head in maps]
        information.append(renyi_dimensions(maps, q=(1,), support="causal"))
        box.append(box_dimension(maps, "causal"))
    return SignatureRow(
        object=name,
        title=OBJECTS[name].title,
        tokens=tokens,
        heads=len(references),
        reference=(min(references), max(references)),
        closed_form=reference.causal_dimension(tokens),
        information=_extent(np.concatenate([one.effective.ravel() for one in information])),
        information_null=_extent(information[0].null.ravel())[0],
        box=_extent(np.concatenate([one.effective for one in box])),
        box_null=_extent(box[0].null)[0],
    )


def _extent(values: Floats) -> tuple[float | None, float | None]:
    """Least and greatest of the values that are defined."""
    defined = values[~np.isnan(values)]
    return (float(defined.min()), float(defined.max())) if len(defined) else (None, None)
