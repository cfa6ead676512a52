"""Time of a full heat-map frame in a running application on a pseudo-terminal, panning one cell a frame.

Prints one line for each size and colour system: median and 95th percentile in milliseconds, from the request to the
moment the frame is handed to the writer of the terminal; the median of the processor time that the thread of the
application spent on it, which a busy machine changes less; and bytes a frame that reached the terminal.

    python tests/benchmark/frame_time.py [frames | --json]
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import pty
import struct
import sys
import tempfile
import termios
import threading
import time
from pathlib import Path

import numpy as np
from textual.app import ComposeResult

from faa_core.records import BoxCounts, LayerInfo, LayerResult, Statistics
from faa_tui._compat import PacedApp
from faa_tui.rendering import draft
from faa_tui.widgets.heat_map import HeatMap, MapAddress

SIZES = ((80, 24), (120, 40), (200, 50))
TOKENS = 512
WARM_UP = 20


def attention(tokens: int) -> np.ndarray:
    """A causal map that is hard to compress: noise with a sink and a local decay."""
    scores = np.random.default_rng(0).normal(size=(tokens, tokens)) * 1.5
    i, j = np.ogrid[:tokens, :tokens]
    scores = scores + 3 * (j == 0) + 2.5 * np.exp(-(i - j) / 8.0)
    weights = np.exp(np.where(j > i, -np.inf, scores))
    return (weights / weights.sum(1, keepdims=True)).astype(np.float16)


def layer(tokens: int) -> LayerResult:
    """A layer of one causal head of which nothing was measured."""
    nothing = np.zeros((0, 1))
    rows = np.arange(tokens, dtype=np.int32)
    empty = np.zeros(0)
    return LayerResult(
        LayerInfo("decoder", 0, 1, "causal"),
        tokens,
        tokens,
        np.zeros_like(rows),
        rows + 1,
        Statistics((), nothing, nothing, nothing, nothing.astype(np.uint8)),
        (),
        BoxCounts(
            empty.astype(np.int64),
            empty,
            np.zeros((1, 0), np.int64),
            empty.astype(np.int64),
            np.zeros(1, np.int16),
            np.full(1, -1, np.int16),
            np.full(1, np.nan),
            np.full(1, np.nan),
            empty,
            np.zeros((1, 0)),
        ),
    )


class Panning(PacedApp):
    """A heat map that fills the screen and pans until the frames are done."""

    CSS = "HeatMap { width: 100%; height: 100%; }"

    def __init__(self, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.milliseconds: list[tuple[float, float]] = []
        self.weights = attention(TOKENS)

    def compose(self) -> ComposeResult:
        """Only the map."""
        yield HeatMap()

    def on_mount(self) -> None:
        """Show life size from the lower middle on, and start."""
        pieces = tuple(f" t{index}" for index in range(TOKENS))
        heat_map = self.query_one(HeatMap)
        heat_map.scale = "log"
        heat_map.show(MapAddress(1, "decoder", 0, 0), layer(TOKENS), pieces, pieces)
        heat_map.put(MapAddress(1, "decoder", 0, 0), 0, 0, 0, self.weights)
        heat_map.focus()
        self.call_after_refresh(self.begin)

    def begin(self) -> None:
        """Zoom to life size, put the cursor at the lower edge of the view, then pan."""
        heat_map = self.query_one(HeatMap)
        while heat_map.cell_size > 1:
            heat_map.action_zoom(True)
        heat_map.move_cursor(TOKENS // 2, 0)
        gc.collect()
        gc.freeze()
        self.call_after_refresh(self.step, 0)

    def step(self, frame: int) -> None:
        """Pan by one cell; the next step comes when this frame is out."""
        if frame == self.frames + WARM_UP:
            self.exit()
            return
        began = (time.perf_counter(), time.thread_time())
        rows = 1 if (frame // 100) % 2 == 0 else -1
        self.query_one(HeatMap).action_pan(rows, 0)
        self.call_after_refresh(self.done, frame, began)

    def done(self, frame: int, began: tuple[float, float]) -> None:
        """Note the time of the frame."""
        if frame >= WARM_UP:
            now = (time.perf_counter(), time.thread_time())
            self.milliseconds.append(((now[0] - began[0]) * 1e3, (now[1] - began[1]) * 1e3))
        self.call_later(self.step, frame + 1)


def child(frames: int, report: str, exact: bool) -> None:
    """Run the application in this process, which owns the pseudo-terminal, and write what was measured."""
    if exact:
        draft.REST_SECONDS = 0.0  # a map rests at once
    app = Panning(frames)
    app.run()
    Path(report).write_text(json.dumps(app.milliseconds))


def measure(
    width: int, height: int, colours: str, frames: int, exact: bool = False
) -> tuple[float, float, float, float]:
    """Median and 95th percentile and median processor time in milliseconds, and bytes a frame."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        pid, terminal = pty.fork()
        if pid == 0:
            fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))
            environment = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLORTERM")}
            environment |= {"TERM": "xterm-256color", "TEXTUAL_FPS": "1000", "TEXTUAL_ANIMATIONS": "none"}
            if colours == "truecolor":
                environment["COLORTERM"] = "truecolor"
            os.execve(
                sys.executable, [sys.executable, __file__, "--child", str(frames), report.name, str(exact)], environment
            )
        received = 0

        def drain() -> None:
            nonlocal received
            while True:
                try:
                    data = os.read(terminal, 1 << 16)
                except OSError:  # Linux says so when the other end is closed
                    return
                if not data:
                    return
                received += len(data)

        reader = threading.Thread(target=drain)
        reader.start()
        _, status = os.waitpid(pid, 0)
        reader.join()
        os.close(terminal)
        if status:
            raise SystemExit(f"the application ended with status {status}")
        wall, processor = np.array(json.loads(Path(report.name).read_text())).T
    middle, slow = np.percentile(wall, (50, 95))
    return float(middle), float(slow), float(np.median(processor)), received / (frames + WARM_UP)


def main() -> None:
    """Measure every size and print a table, or with ``--json`` the largest in truecolor as one object.

    These are drafts, as of a held key; exact frames are those of ``--exact``.
    """
    if sys.argv[1:] == ["--json"]:
        median, p95, _, size = measure(*SIZES[-1], "truecolor", 300)
        exact, exact_p95, _, exact_size = measure(*SIZES[-1], "truecolor", 300, exact=True)
        found = {"median_ms": median, "p95_ms": p95, "bytes_per_frame": size}
        print(json.dumps(found | {"exact_ms": exact, "exact_p95_ms": exact_p95, "exact_bytes": exact_size}))
        return
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    print(f"{'size':>8}  {'colours':<9}  {'median':>9}  {'p95':>9}  {'processor':>9}  {'a frame':>9}")
    for width, height in SIZES:
        for colours in ("truecolor", "256"):
            median, p95, processor, size = measure(width, height, colours, frames)
            times = f"{median:6.2f} ms  {p95:6.2f} ms  {processor:6.2f} ms"
            print(f"{f'{width}x{height}':>8}  {colours:<9}  {times}  {size / 1000:6.1f} kB")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(int(sys.argv[2]), sys.argv[3], sys.argv[4] == "True")
    else:
        main()
