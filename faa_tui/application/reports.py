"""The application's reports: the maps they need are fetched, the page is written on a thread, a toast says where."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from textual.message import Message

from faa_core.errors import FaaError
from faa_core.records import Analysis
from faa_core.report import HeadMap, Report, chosen_heads, map_level, render
from faa_core.worker.protocol import SOON, Fail
from faa_tui import messages, reports
from faa_tui.application.runs import RunsApp
from faa_tui.messages import TileKey
from faa_tui.rendering.text import visible
from faa_tui.rendering.tiles import cells_at
from faa_tui.screens.compare import CompareScreen
from faa_tui.widgets.heat_map import MapAddress

_TITLE = "Report"
_PICTURE = "Picture"
_FONTS = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)


@dataclass
class _Waiting:
    """A report of a run that lacks maps.

    Attributes:
        run: Number of the run.
        analysis: The run.
        keys: Maps that are on their way.
        maps: Those that are here.
    """

    run: int
    analysis: Analysis
    keys: set[TileKey] = field(default_factory=set)
    maps: list[HeadMap] = field(default_factory=list)


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


class ReportsApp(RunsApp, inherit_bindings=False):
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
        waiting = _Waiting(results.run, results.analysis(self.order.reference, self.order.text))
        for chosen in chosen_heads(waiting.analysis):
            layer = chosen.layer
            level = map_level(layer.queries, layer.keys)
            address = MapAddress(waiting.run, layer.info.kind, layer.info.layer, chosen.head)
            rectangle = (0, cells_at(layer.queries, level), 0, cells_at(layer.keys, level))
            waiting.keys.add(TileKey(address, level, *rectangle, priority=SOON))
        self._waiting = waiting
        for key in tuple(waiting.keys):
            self.fleet.fetch(key)
        self._write_when_complete()

    def _report_comparison(self) -> None:
        comparing = None if self.desk is None else self.desk.comparing
        numbers = {} if comparing is None else dict(comparing.comparisons)
        if comparing is None or not numbers:
            self.notify("The numbers of the comparison are not here yet.", title=_TITLE, markup=False)
            return
        others = sorted(numbers)
        runs = [(comparing.analyses(0)[0], comparing.analyses(other)[0]) for other in others]
        models = [numbers[others[0]].a.reference, *(numbers[other].b.reference for other in others)]
        self._write(lambda: reports.comparison_report([numbers[other] for other in others], runs), models)

    def on_tile_arrived(self, message: messages.TileArrived) -> None:
        """Take a map that a report waits for. Textual calls the method of the base class, too."""
        self._hear_map(message)

    def on_tile_failed(self, message: messages.TileFailed) -> None:
        """Go on without a map that will not come. Textual calls the method of the base class, too."""
        self._hear_map(message)

    def worker_lost(self, host: str, fail: Fail) -> None:
        """No map will come any more: the report goes without."""
        super().worker_lost(host, fail)
        if self._waiting is not None and self.fleet.host_of_run(self._waiting.run) == host:
            self._waiting.keys.clear()
            self._write_when_complete()

    def _hear_map(self, message: messages.TileArrived | messages.TileFailed) -> None:
        waiting = self._waiting
        if waiting is None or message.key not in waiting.keys:
            return
        waiting.keys.discard(message.key)
        if isinstance(message, messages.TileArrived):
            address = message.key.address
            weights = np.asarray(message.block, np.float32)
            waiting.maps.append(HeadMap(*address[1:], weights, 1 << message.key.level))
        self._write_when_complete()

    def _write_when_complete(self) -> None:
        waiting = self._waiting
        if waiting is not None and not waiting.keys:
            self._waiting = None
            model = waiting.analysis.model.reference
            self._write(lambda: reports.run_report(waiting.analysis, waiting.maps), [model])

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
            try:
                path = reports.write_numbered(place, models, make(), ending)
                self.post_message(FileWritten(what, str(path)))
            except FaaError as error:
                self.post_message(FileWritten(what, str(error), failed=True))
            except OSError as error:
                self.post_message(FileWritten(what, f"{place} cannot be written: {error.strerror}.", failed=True))

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
