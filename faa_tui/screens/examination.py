"""One head at length: everything that needs its whole map, measured while the dialog waits."""

from __future__ import annotations

import math

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Footer, Static

from faa_core.catalogue import BY_KEY
from faa_core.findings import HeadExamination, Quantity
from faa_core.worker.protocol import Fail
from faa_tui.messages import HeadKey
from faa_tui.rendering.text import visible
from faa_tui.screens.dialog import Dialog

_NAME = 38
_NUMBER = 9
_ROOM = 100
"""Cells of the screen from which there is room for every column."""
_COLUMNS = {"value": "value", "se": "error", "null": "null", "no first": "without_first"}
"""Titles of the columns, and the fields of a quantity that they show."""


class ExaminationScreen(Dialog[None]):
    """Shows the quantities of one head; closing it gives up a measurement that is under way.

    Args:
        key: Which head.
    """

    def __init__(self, key: HeadKey) -> None:
        super().__init__()
        self.key = key

    def compose(self) -> ComposeResult:
        """Room for the numbers."""
        with Vertical(id="examination-box", classes="dialog"):
            yield Static(id="examination-head", markup=False)
            with VerticalScroll(id="examination-body"):
                yield Static("Measuring the whole map ...", id="examination-lines", markup=False)
        yield Footer()

    def on_mount(self) -> None:
        """Name the box."""
        address = self.key.address
        kind = {"decoder": "", "encoder": "encoder ", "cross": "cross "}[address.kind]
        self.query_one("#examination-box").border_title = Content(
            f"Examination  {kind}layer {address.layer} head {address.head}"
        )
        self.query_one("#examination-body").focus()

    def show(self, examination: HeadExamination) -> None:
        """Fill in the numbers."""
        shown = list(_COLUMNS) if self.size.width >= _ROOM else ["value", "null"]
        head = "quantity".ljust(_NAME) + "".join(f"{column:>{_NUMBER}}" for column in shown) + "  status"
        self.query_one("#examination-head", Static).update(Content.styled(head, "dim"))
        lines = [_line(quantity, shown) for quantity in examination.quantities]
        spectrum = [
            Content(f"{q:>6g}{d:>{_NUMBER}.3f}" + "".join(f"{_figure(number, 3):>{_NUMBER}}" for number in (a, f)))
            for q, d, a, f in zip(examination.q, examination.spectrum, examination.alpha, examination.f, strict=True)
        ]
        title = Content.styled(f"{'q':>6}{'D_q':>{_NUMBER}}{'alpha':>{_NUMBER}}{'f':>{_NUMBER}}", "dim")
        foot = Content.styled(
            "(n): slope over scales without one power law; no first: key 0 left out, rows renormalised.", "dim"
        )
        page = Content("\n").join([*lines, Content(""), title, *spectrum, Content(""), foot])
        self.query_one("#examination-lines", Static).update(page)

    def show_fail(self, fail: Fail) -> None:
        """Say why there are no numbers."""
        self.query_one("#examination-lines", Static).update(Content(visible(f"{fail.text} {fail.hint}".strip())))


def _line(quantity: Quantity, shown: list[str]) -> Content:
    name, bracket, parameter = quantity.name.partition("[")
    entry = BY_KEY[name]
    decimals = max(entry.decimals, 2)
    cells = {column: _figure(getattr(quantity, field), decimals) for column, field in _COLUMNS.items()}
    if math.isnan(quantity.value) and math.isfinite(quantity.effective):
        cells["value"] = f"({quantity.effective:z.{decimals}f})"
    title = f"{entry.title}{' ' if bracket else ''}{bracket}{parameter}"
    text = f"{title[: _NAME - 1]:<{_NAME}}" + "".join(f"{cells[column]:>{_NUMBER}}" for column in shown)
    if quantity.status == "ok":
        return Content(text)
    return Content.styled(f"{text}  {quantity.status.replace('_', ' ')}", "dim")


def _figure(number: float, decimals: int) -> str:
    return "·" if math.isnan(number) else f"{number:z.{decimals}f}"
