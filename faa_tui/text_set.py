"""Several texts that one model is run on one after another: how far that is, and which of them is looked at."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from faa_core.records import Analysis, ModelInfo
from faa_core.replication import Replication
from faa_core.worker.protocol import Fail, RunOptions
from faa_tui.session import Order, Results

MEAN = -1
"""Place of the mean in the cycle of texts; the texts have 0 and up."""


@dataclass(eq=False)
class TextOfSet:
    """One of the texts.

    Attributes:
        order: The text, and how it is run.
        number: Number of its last run; 0 before the first.
        results: What has arrived of it; ``None`` before it has begun.
        fail: Why it has none.
        repeated: Whether it is run again because its maps were gone, and not looked at anew since.
    """

    order: Order
    number: int = 0
    results: Results | None = None
    fail: Fail | None = None
    repeated: bool = False

    @property
    def done(self) -> bool:
        """Whether all of it is here."""
        return self.results is not None and self.results.seconds is not None

    @property
    def analysis(self) -> Analysis | None:
        """Its finished run as a record."""
        if self.results is None or not self.done:
            return None
        return self.results.analysis(self.order.reference, self.order.text)


class TextSet:
    """One model on several texts.

    Args:
        reference: The model.
        texts: Two texts or more.
        options: How to run.
    """

    def __init__(self, reference: str, texts: Sequence[str], options: RunOptions) -> None:
        self.reference = reference
        self.members = [TextOfSet(Order(reference, text, options)) for text in texts]
        self.at = 0
        self.following = True
        self.stopped = False
        self.means: Results | None = None
        self.kept = False

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts."""
        return tuple(member.order.text for member in self.members)

    def place_of(self, run: int) -> int | None:
        """Which text the run ``run`` is of; ``None`` if of none."""
        return next((at for at, member in enumerate(self.members) if run and member.number == run), None)

    def place_of_order(self, order: Order) -> int | None:
        """Which text an order is of, the very order and no equal one; ``None`` if of none."""
        return next((at for at, member in enumerate(self.members) if member.order is order), None)

    def next_waiting(self) -> TextOfSet | None:
        """The first text that was not run yet and has not failed."""
        return next((member for member in self.members if not member.done and member.fail is None), None)

    @property
    def done(self) -> list[TextOfSet]:
        """The texts that are measured."""
        return [member for member in self.members if member.done]

    @property
    def failed(self) -> list[int]:
        """Places of the texts that could not be measured."""
        return [at for at, member in enumerate(self.members) if member.fail is not None]

    @property
    def model(self) -> ModelInfo | None:
        """The model, once a text is measured."""
        done = self.done
        return done[0].results.model if done and done[0].results is not None else None

    @property
    def averaged(self) -> int:
        """How many texts the means are over; 0 while there are none."""
        return len(self.means.means.tokens) if self.means is not None and self.means.means is not None else 0

    def places(self) -> list[int]:
        """What can be looked at, in the order of the cycle: the mean, where there is one, then texts with results."""
        shown = [at for at, member in enumerate(self.members) if member.results is not None]
        return ([MEAN] if self.means is not None else []) + shown

    def step(self, by: int) -> int | None:
        """The place ``by`` steps on in the cycle; ``None`` where there is no other."""
        places = self.places()
        if len(places) < 2:
            return None
        here = places.index(self.at) if self.at in places else 0
        return places[(here + by) % len(places)]

    def take_means(self, run: int, replication: Replication) -> Results:
        """The means over the texts that are measured, as something that the screen can show.

        Args:
            run: A number that no run has.
            replication: They.
        """
        seconds = sum(member.results.seconds or 0.0 for member in self.done if member.results is not None)
        self.means = Results.of_means(run, replication, seconds)
        return self.means

    def in_words(self, at: int) -> str:
        """``text 2 of 5``; ``mean of 5 texts``; ``mean of 3 of 5`` where some are missing."""
        if at == MEAN:
            count, every = self.averaged, len(self.members)
            return f"mean of {count} texts" if count == every else f"mean of {count} of {every}"
        return f"text {at + 1} of {len(self.members)}"
