"""What the list of kept runs says of each."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from faa_core.origin import Origin

RunKind = Literal["analysis", "texts", "comparison"]
"""One model on one text, one model over several texts, or two models."""


class Entry(msgspec.Struct, frozen=True):
    """A kept run, without its numbers.

    Attributes:
        id: Its number; never used again, also not after it was deleted.
        time: When it was kept, UTC, as ``2026-11-25T09:40:59Z``.
        kind: What it is.
        models: References as they were asked for.
        revisions: Commit of the hub, digest of the weights or seed, of each model.
        tokenizers: Hash of each model's tokenizer.
        hosts: Name that each model's machine gives itself; "" where it is not known.
        texts: SHA-256 of each text.
        tokens: Tokens of each text; of a comparison, by the first model.
        seconds: Wall time of its runs in the workers.
        parameters: What was asked for.
        seed: Where everything random began.
        versions: Package name to version.
        part_of: The comparison, or the run over several texts, that this is a part of and was kept for.
        note: What the user wrote beside it.
        title: How its text begins: the first line that holds something; of several texts, that of the first.
        maps: How many maps in little are kept of it; of a comparison, those over common segments.
        examined: How many of its heads were examined.
    """

    id: int
    time: str
    kind: RunKind
    models: tuple[str, ...]
    revisions: tuple[str, ...]
    tokenizers: tuple[str, ...]
    hosts: tuple[str, ...]
    texts: tuple[str, ...]
    tokens: tuple[int, ...]
    seconds: float
    parameters: dict[str, Any]
    seed: int | None
    versions: dict[str, str]
    part_of: int | None
    note: str = ""
    title: str = ""
    maps: int = 0
    examined: int = 0

    @property
    def origin(self) -> Origin:
        """What an exported file says of it."""
        return Origin(self.parameters, self.seed, self.texts, self.hosts)


class Part(msgspec.Struct, frozen=True):
    """One of the runs that a comparison, a run over several texts, or a run with a baseline rests on.

    Attributes:
        side: 0 for the first model, 1 for the other one or for the untrained one.
        place: Which text.
        run: The run of that model on that text.
    """

    side: int
    place: int
    run: int
