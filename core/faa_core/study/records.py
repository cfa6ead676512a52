"""What a study tells, one line of JSON for each: rows, progress, and why it ended early. Free of torch and NumPy.

Undefined numbers are ``None``.
"""

from __future__ import annotations

import msgspec


class Progress(msgspec.Struct, frozen=True, tag="progress"):
    """What is being measured.

    Attributes:
        text: Name of the object.
        done: Objects that are finished.
        total: Objects in all; 0 where that is not known.
    """

    text: str
    done: int
    total: int


class SignatureRow(msgspec.Struct, frozen=True, tag="signature"):
    """One object of the signature study; ranges are over its heads.

    Attributes:
        object: Name that the command takes.
        title: What it is.
        tokens: Rows and columns of each map.
        heads: How many maps.
        reference: Least and greatest fractal dimension of 1.0.0.
        closed_form: What 1.0.0 gives for any causal matrix of this size.
        information: Least and greatest effective information dimension D_1 on unfolded rows.
        information_null: The same for even attention: 2.
        box: Least and greatest effective box-counting dimension of lift > 1.
        box_null: The same for all visible keys.
    """

    object: str
    title: str
    tokens: int
    heads: int
    reference: tuple[float, float]
    closed_form: float
    information: tuple[float | None, float | None]
    information_null: float | None
    box: tuple[float | None, float | None]
    box_null: float | None


class AccuracyRow(msgspec.Struct, frozen=True, tag="accuracy"):
    """One claim about accuracy beside what was measured.

    Attributes:
        what: The quantity and the objects.
        n: Sizes.
        measured: Error found.
        goal: Largest error allowed.
        unit: What both are, for example ``RMS``.
        detail: What else the reader should know.
        verdict: ``ok`` or ``MISSED``.
    """

    what: str
    n: str
    measured: float | None
    goal: float
    unit: str
    detail: str
    verdict: str


class CalibrationRow(msgspec.Struct, frozen=True, tag="calibration"):
    """Rejections of one null on one family of heads.

    Attributes:
        family: How the heads are made; see `faa_core.study.calibration.FAMILIES`.
        null: The null that is tested.
        statistic: What is compared.
        heads: Number of heads.
        side: Rows and columns of each map.
        replicates: Surrogates of each head.
        rate: Share of the heads with p <= .05.
        error: Standard error of ``rate``.
        z: Mean effect size; ``None`` where nothing varies.
        true: Whether the family obeys the null: the rate should then be at most .05, otherwise near 1.
    """

    family: str
    null: str
    statistic: str
    heads: int
    side: int
    replicates: int
    rate: float
    error: float
    z: float | None
    true: bool


class Failure(msgspec.Struct, frozen=True, tag="failure"):
    """The study ended early; the fields are those of a `faa_core.errors.FaaError`."""

    kind: str
    message: str
    hint: str


class Done(msgspec.Struct, frozen=True, tag="done"):
    """The study is complete."""


Record = Progress | SignatureRow | AccuracyRow | CalibrationRow | Failure | Done
