"""What the top lines of a comparison and the titles of its maps say."""

from __future__ import annotations

import math

from textual.content import Content

from faa_core.comparison.records import Comparison
from faa_tui.compared_runs import TextRun
from faa_tui.comparing import Comparing
from faa_tui.comparison_tables import LETTERS
from faa_tui.rendering.text import fit, visible
from faa_tui.session import Position
from faa_tui.widgets.status_bar import shape_of

_BESIDE = 36
"""Cells of the top line that are not for the models."""
_ACTIVITY = 28


def head_line(comparing: Comparing, other: int, width: int) -> Content:
    """The models, those that are looked at in bright letters, and how far the runs are."""
    parts: list[str | tuple[str, str]] = [("faa", "bold $accent"), "  "]
    share = max(8, (width - _BESIDE) // len(comparing.sides))
    for side, (letter, state) in enumerate(zip(LETTERS, comparing.sides, strict=False)):
        style = "bold $accent" if side in (0, other) else "dim"
        parts += [(letter, style), " ", *_model(comparing.shown(side), state.reference, share), "   "]
    if len(comparing.texts) > 1:
        parts.append((f"text {comparing.text + 1} of {len(comparing.texts)}  ", "dim"))
    left, right = Content.assemble(*parts), Content.assemble(*_progress(comparing))
    return Content.assemble(left, " " * max(1, width - left.cell_length - right.cell_length), right)


def _model(run: TextRun | None, reference: str, room: int) -> list[str | tuple[str, str]]:
    """A model in ``room`` cells: its reference, then as much of what it is as fits."""
    name = fit(visible(reference), room)
    if run is None or run.results is None:
        return [(name, "bold")]
    model, tokens = run.results.model, len(run.results.tokens)
    details = f"  {visible(model.device)} {shape_of(model, short=True)} {tokens} tok"
    return [(name, "bold"), details if len(name) + len(details) <= room else ""]


def _progress(comparing: Comparing) -> list[str | tuple[str, str]]:
    done, failed, runs = comparing.progress()
    parts: list[str | tuple[str, str]] = [(f"{failed} failed  ", "$error")] if failed else []
    if runs > done + failed:
        every = (run for side in comparing.sides for run in side.runs)
        activity = next((run.activity for run in every if run.activity and not run.done), "")
        parts.append(f"run {done + failed} of {runs} done  {fit(visible(activity), _ACTIVITY)}".rstrip())
    elif not failed:
        parts.append(("done", "$success"))
    return parts


def remarks(comparing: Comparing, comparison: Comparison | None) -> tuple[str, ...]:
    """What the reader must know before any number, the weightiest first."""
    error = comparing.unalignable(comparing.text)
    kept = (comparing.kept_words,) if comparing.kept else ()
    return ((str(error),) if error else ()) + kept + (comparison.warnings if comparison else ())


def warning_line(warnings: tuple[str, ...], width: int, key: str) -> Content:
    """The first warning in one line, how many there are, and the ``key`` that shows them in full."""
    more = f"   ({len(warnings)} remarks: {key})" if len(warnings) > 1 else f"   ({key})"
    return Content.styled(fit(f"! {visible(warnings[0])}", max(width - len(more), 10)) + more, "$text-warning")


def map_title(
    side: int, run: TextRun | None, head: Position | None, unlocked: bool, without_first: bool, room: int
) -> Content:
    """The head of a side, the pattern that it looks like, and whether it stands by itself.

    Args:
        side: Which side.
        run: Its run of the text on the screen.
        head: The head; ``None`` while nothing is known, or where it has no partner.
        unlocked: Whether it need not belong to the first side's.
        without_first: Whether key 0 is left out of its map.
        room: Cells.
    """
    name = LETTERS[side]
    if run is None or run.results is None:
        failed = run is not None and run.fail is not None
        return Content.assemble(
            (name, "bold"), ("  failed", "$text-error") if failed else ("  not measured yet", "dim")
        )
    if head is None:
        return Content.assemble((name, "bold"), ("  no partner", "dim"))
    kind = {"decoder": "", "encoder": "encoder ", "cross": "cross "}[head.kind]
    where = f"{name}  {kind}layer {head.layer} head {head.head}"
    result = run.results.at(head)
    if result is None:
        return Content.assemble((where, "bold"), ("  not measured yet", "dim"))
    label = result.labels[head.head] if head.head < len(result.labels) else None
    # "mixed" says that no rule holds; a score would read as evidence for one.
    score = f" ({label.score:.2f})" if label and math.isfinite(label.score) and label.name != "mixed" else ""
    words = f"  {visible(label.name)}{score}" if label else ""
    free, less = "  unlocked" if unlocked else "", "  without key 0" if without_first else ""
    left = max(room - len(where) - len(free) - len(less), 0)
    return Content.assemble((where, "bold"), (less, "$text-accent"), fit(words, left), (free, "$text-warning"))
