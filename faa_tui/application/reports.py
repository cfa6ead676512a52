"""The application's reports: the maps they need are fetched, the page is written on a thread, a toast says where."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from textual.message import Message

from faa_core.comparison.records import Comparison
from faa_core.errors import FaaError
from faa_core.records import Analysis
from faa_core.replication import Replication
from faa_core.report import (
    Chosen,
    ComparedPart,
    HeadMap,
    PairFrame,
    Report,
    chosen_heads,
    chosen_over_texts,
    chosen_pairs,
    map_level,
    render,
)
from faa_core.worker.protocol import SOON, Fail
from faa_tui import messages, reports
from faa_tui.application.texts import TextsApp
from faa_tui.comparing import Comparing
from faa_tui.messages import TileKey
from faa_tui.rendering.text import visible
from faa_tui.rendering.tiles import cells_at
from faa_tui.screens.compare import CompareScreen
from faa_tui.widgets.heat_map import MapAddress

_TITLE = "Report"
_PICTURE = "Picture"
_FONTS = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)


Maps = dict[TileKey, NDArray[np.float32]]
"""What has come of the maps that a report waits for."""


@dataclass
class _Waiting:
    """A report that lacks maps.

    Attributes:
        keys: Maps that are on their way.
        make: Makes the report of those that came.
        models: What the file is named after.
        maps: Those that are here.
    """

    keys: set[TileKey]
    make: Callable[[Maps], Report]
    models: list[str]
    maps: Maps = field(default_factory=dict)


class FileWritten(Message):
    """A report or a picture is there, or could not be written.

    Args:
        what: Which of the two, as the user is told.
        said: Where it is, or what happened.
        failed: Whether it is not there.
    """

    def __init__(self, what: str, said: str, failed: bool = False) -> None:
        super().__init__()
        self.what = what
        self.said = said
        self.failed = failed


class ReportsApp(TextsApp, inherit_bindings=False):
    """Writes what is on the screen as one HTML file, or as a picture."""

    _waiting: _Waiting | None = None
    _writing = False

    def action_report(self) -> None:
        """Write a report of the run, or of the comparison, that is on the screen."""
        if self._writing or self._waiting is not None:
            self.notify("A report is being written already.", title=_TITLE, markup=False)
        elif any(isinstance(screen, CompareScreen) for screen in self.screen_stack):
            self._report_comparison()
        else:
            self._report_run()

    def _report_run(self) -> None:
        results = self.main.results
        if results is None or results.seconds is None or results.run != self.run_number:
            self.notify("There is no complete run to report yet.", title=_TITLE, markup=False)
            return
        if results.means is not None:
            self._report_means(results.means)
            return
        analysis = results.analysis(self.order.reference, self.order.text)
        heads = [self._key(results.run, chosen) for chosen in chosen_heads(analysis)]

        def make(maps: Maps) -> Report:
            here = [HeadMap(*key.address[1:4], maps[key], 1 << key.level) for key in heads if key in maps]
            return reports.run_report(analysis, here)

        self._wait(heads, make, [analysis.model.reference])

    def _report_means(self, means: Replication) -> None:
        """Write a report of the means over texts, with curves and maps of the first."""
        first = self.texts.done[0] if self.texts is not None and self.texts.done else None
        analysis = None if first is None else first.analysis
        if first is None or analysis is None:
            return
        heads = [self._key(first.number, chosen) for chosen in chosen_over_texts(means, analysis)]

        def make(maps: Maps) -> Report:
            here = [HeadMap(*key.address[1:4], maps[key], 1 << key.level) for key in heads if key in maps]
            return reports.texts_report(means, analysis, here)

        self._wait(heads, make, [analysis.model.reference])

    @staticmethod
    def _key(run: int, chosen: Chosen) -> TileKey:
        """The whole map of a head."""
        layer = chosen.layer
        level = map_level(layer.queries, layer.keys)
        address = MapAddress(run, layer.info.kind, layer.info.layer, chosen.head)
        rectangle = (0, cells_at(layer.queries, level), 0, cells_at(layer.keys, level))
        return TileKey(address, level, *rectangle, priority=SOON)

    def _report_comparison(self) -> None:
        comparing = None if self.desk is None else self.desk.comparing
        numbers = {} if comparing is None else dict(comparing.comparisons)
        complete = [] if comparing is None else comparing.complete_texts()
        if comparing is None or not numbers or not complete:
            self.notify("The numbers of the comparison are not here yet.", title=_TITLE, markup=False)
            return
        text = comparing.text if comparing.text in complete else complete[0]
        pairs = [_ComparedPairs.of(comparing, other, text, numbers[other]) for other in sorted(numbers)]
        models = [numbers[min(numbers)].a.reference, *(one.comparison.b.reference for one in pairs)]
        keys = [key for one in pairs for both in one.keys for key in both]
        self._wait(keys, lambda maps: reports.comparison_report([one.part(maps) for one in pairs]), models)

    def _wait(self, keys: list[TileKey], make: Callable[[Maps], Report], models: list[str]) -> None:
        """Write a report as soon as its maps are here."""
        self._waiting = _Waiting(set(keys), make, models)
        for key in dict.fromkeys(keys):
            self.fleet.fetch(key)
        self._write_when_complete()

    def on_tile_arrived(self, message: messages.TileArrived) -> None:
        """Take a map that a report waits for. Textual calls the method of the base class, too."""
        self._hear_map(message)

    def on_tile_failed(self, message: messages.TileFailed) -> None:
        """Go on without a map that will not come. Textual calls the method of the base class, too."""
        self._hear_map(message)

    def worker_lost(self, host: str, fail: Fail) -> None:
        """No map will come from there any more: the report goes without."""
        super().worker_lost(host, fail)
        if self._waiting is not None:
            lost = {key for key in self._waiting.keys if self.fleet.host_of_run(key.run) == host}
            self._waiting.keys -= lost
            self._write_when_complete()

    def _hear_map(self, message: messages.TileArrived | messages.TileFailed) -> None:
        waiting = self._waiting
        if waiting is None or message.key not in waiting.keys:
            return
        waiting.keys.discard(message.key)
        if isinstance(message, messages.TileArrived):
            waiting.maps[message.key] = np.asarray(message.block, np.float32)
        self._write_when_complete()

    def _write_when_complete(self) -> None:
        waiting = self._waiting
        if waiting is not None and not waiting.keys:
            self._waiting = None
            self._write(lambda: waiting.make(waiting.maps), waiting.models)

    def action_picture(self) -> None:
        """Write what is on the screen as an SVG."""
        desk = self.desk
        compared = desk is not None and desk.screen in self.screen_stack
        sides = desk.comparing.sides if desk is not None and compared else ()
        models = [side.reference for side in sides] or [self.order.reference]
        # Drawn here, while it is on the screen; the fonts that Textual names lie on a server, and are left out.
        picture = _FONTS.sub("", self.export_screenshot(title="faa")).encode()
        self._write_file(_PICTURE, lambda: picture, models, ".svg")

    def _write(self, make: Callable[[], Report], models: list[str]) -> None:
        self._writing = True
        self._write_file(_TITLE, lambda: render(make()).encode(), models, ".html")

    def _write_file(self, what: str, make: Callable[[], bytes], models: list[str], ending: str) -> None:
        place = reports.folder()

        def work() -> None:
            said, failed = "It could not be written.", True
            try:
                said, failed = str(reports.write_numbered(place, models, make(), ending)), False
            except FaaError as error:
                said = str(error)
            except OSError as error:
                said = f"{place} cannot be written: {error.strerror}."
            finally:  # whatever else went wrong is in Textual's log, and the next report can be asked for
                self.post_message(FileWritten(what, said, failed))

        self.run_worker(work, group="report", thread=True, exit_on_error=False)

    def on_file_written(self, message: FileWritten) -> None:
        """Say where it is."""
        if message.what == _TITLE:
            self._writing = False
        self.notify(
            visible(message.said),
            title=message.what,
            severity="error" if message.failed else "information",
            markup=False,
            timeout=15,
        )


@dataclass
class _ComparedPairs:
    """The pairs of a comparison that a report shows, and their maps on one text.

    Attributes:
        comparison: The numbers.
        runs: Both sides on that text.
        text: Which of the complete texts it is.
        frames: What the maps of each pair are laid over.
        keys: The two maps of each.
    """

    comparison: Comparison
    runs: tuple[Analysis, Analysis]
    text: int
    frames: list[PairFrame]
    keys: list[tuple[TileKey, TileKey]]

    @classmethod
    def of(cls, comparing: Comparing, other: int, text: int, comparison: Comparison) -> _ComparedPairs:
        """Those of the first side and side ``other`` on text ``text``, which is complete."""
        place = comparing.complete_texts().index(text)
        runs = comparing.analyses(0)[place], comparing.analyses(other)[place]
        numbers = [run.number for run in (comparing.runs(text)[0], comparing.runs(text)[other])]
        frames, keys = [], []
        for chosen in chosen_pairs(comparison):
            over = comparing.alignment(text, chosen.pair.a.kind)
            frame = None if over is None else PairFrame.of(chosen.pair, over, (0, other), runs)
            if frame is not None:
                rows, columns = frame.shape
                a, b = (
                    TileKey(
                        MapAddress(run, head.kind, head.layer, head.head),
                        frame.level, 0, rows, 0, columns, frame.segments, SOON,
                    )
                    for run, head in zip(numbers, frame.heads, strict=True)
                )  # fmt: skip
                frames.append(frame)
                keys.append((a, b))
        return cls(comparison, runs, place, frames, keys)

    def part(self, maps: Maps) -> ComparedPart:
        """What the report says of it, with those of its maps that came."""
        here = [
            frame.maps(maps[a], maps[b])
            for frame, (a, b) in zip(self.frames, self.keys, strict=True)
            if a in maps and b in maps
        ]
        return ComparedPart(self.comparison, self.runs, tuple(here), self.text)
