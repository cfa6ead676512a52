"""Make the pictures in ``screenshots/`` from the running application: the real worker, the bundled model, a fixed text.

    python scripts/screenshots.py [FOLDER]

Without a folder, those that are kept beside the code; with one, every screen at two sizes.

The other machine of the comparison is a real sshd on 127.0.0.1, one of those that the tests start.

Only the seconds of a run differ from one time to the next; they are set to a round number before a picture is taken.
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

from faa_tui.session import Phase

FOLDER = Path(__file__).parents[1] / "screenshots"
WIDE, NARROW = (200, 50), (80, 24)
SECONDS = 0.4
ALONE, COMPARED = ("demo",), ("demo", "gpu7:demo@init")
SCREENS: dict[tuple[str, ...], dict[str, tuple[str, ...]]] = {
    ALONE: {
        "main": ("]",),
        "help": ("question_mark",),
        "text": ("t",),
        "models": ("o",),
        "heads-table": ("7",),
        "runs": ("8",),
        "tokens": ("6", "f"),
        "explain": ("5", "i"),
        "copy": ("4", "Y"),
        "palette": ("colon",),
        "statistics": ("S",),
        "jump": ("ctrl+o",),
        "go-to": ("number_sign",),
        "texts": ("F",),
        "machine": ("M",),
        **{f"curve-{page}": ("4", "v") for page in range(2, 10)},
        "map": ("v", "4", "b", "b", "b", "b"),
        "map-alone": ("z",),
        "without-first-key": ("z", "B", "B", "B", "B", "d"),
    },
    COMPARED: {
        "compare": ("n",),
        "compare-map": ("4", "z"),
        "compare-curve": ("z", "v"),
    },
}
"""Models to names and the keys that lead from one screen to the next, once the runs are done."""
SIZES = {"": WIDE, "-narrow": NARROW}
KEPT = ("main", "map", "heads-table", "text", "help", "compare")
"""Those that are kept beside the code, at both sizes; the others are to be looked at, in a folder of their own."""
FONTS = re.compile(r"@font-face\s*\{.*?\}", re.DOTALL)
"""Textual names fonts that lie on a server."""
WAIT_SECONDS = 120.0


async def take(models: tuple[str, ...], size: tuple[int, int], suffix: str, folder: Path) -> None:
    """Run the application until all is measured, go from screen to screen, write an SVG of each."""
    from faa_tui.application import FaaApp

    app = FaaApp(models[0], others=models[1:])
    async with app.run_test(size=size) as pilot:

        async def until_still() -> None:
            for _ in range(int(WAIT_SECONDS / 0.1)):
                await pilot.pause(0.1)
                begun = app.desk.comparing.comparisons if app.desk else app.run_number
                if begun and app.at_rest and app.main.is_drawn:
                    return
            raise SystemExit(f"{models}: the application did not come to rest; it says {app.phase.value!r}")

        await until_still()
        if app.phase in (Phase.FAILED, Phase.CANCELLED) or (app.desk and app.desk.comparing.progress()[1]):
            raise SystemExit(f"{models}: a run failed")
        for name, keys in SCREENS[models].items():
            for key in keys:
                await pilot.press(key)
            await until_still()
            if (results := app.main.results) is not None:
                results.seconds = SECONDS
            app.tell_status()
            await pilot.pause(0.4)
            path = folder / f"{name}{suffix}.svg"
            if folder != FOLDER or name in KEPT:
                path.write_text(FONTS.sub("", app.export_screenshot(title="faa")), encoding="utf-8")
                print(path, flush=True)
            while app.screen is not app.base_screen:
                await pilot.press("escape")


def lab(folder: Path) -> Any:
    """The machines of the tests of remote workers, running."""
    place = Path(__file__).parents[1] / "tests" / "remote" / "conftest.py"
    spec = importlib.util.spec_from_file_location("lab", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if os.geteuid() == 0:
        os.makedirs("/run/sshd", mode=0o755, exist_ok=True)
    return module.Lab(folder)


async def main(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(exist_ok=True)
    for models in SCREENS:
        for suffix, size in SIZES.items():
            await take(models, size, suffix, folder)


if __name__ == "__main__":
    os.environ |= {"COLORTERM": "truecolor", "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"}
    with tempfile.TemporaryDirectory() as state, tempfile.TemporaryDirectory() as machines:
        os.environ["XDG_STATE_HOME"] = state  # the models opened lately are nobody's business
        os.environ["XDG_CONFIG_HOME"] = state
        made = lab(Path(machines))
        os.environ["FAA_SSH"] = made.ssh
        try:
            asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
        finally:
            made.gpu7.stop()
            made.gpu8.stop()
