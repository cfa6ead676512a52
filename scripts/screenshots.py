"""Make the pictures in ``screenshots/`` from the running application: the real worker, the bundled model, a fixed text.

    python scripts/screenshots.py [FOLDER]

Only the seconds of a run differ from one time to the next; they are set to a round number before a picture is taken.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "screenshots"
WIDE, NARROW = (200, 50), (80, 24)
SECONDS = 0.4
PICTURES: dict[str, tuple[tuple[int, int], tuple[str, ...]]] = {
    "main": (WIDE, ("]",)),
    "help": (WIDE, ("question_mark",)),
    "text": (WIDE, ("t",)),
    "narrow": (NARROW, ("]",)),
}
"""Name to size, and the keys that are pressed once the run is done."""
WAIT_SECONDS = 120.0


async def take(name: str, size: tuple[int, int], keys: tuple[str, ...], folder: Path) -> None:
    """Run the application until its first run is done, press ``keys``, write ``name.svg``."""
    from faa_tui.application import FaaApp
    from faa_tui.session import Phase

    app = FaaApp("demo")
    async with app.run_test(size=size) as pilot:

        async def until_still() -> None:
            for _ in range(int(WAIT_SECONDS / 0.1)):
                await pilot.pause(0.1)
                if app.run_number and app.at_rest and app.main.is_drawn:
                    return
            raise SystemExit(f"{name}: the application did not come to rest; it says {app.phase.value!r}")

        await until_still()
        if app.phase is not Phase.DONE:
            raise SystemExit(f"{name}: the run {app.phase.value}")
        for key in keys:
            await pilot.press(key)
        await until_still()
        if (results := app.main.results) is not None:
            results.seconds = SECONDS
        app.tell_status()
        await pilot.pause(0.2)
        (folder / f"{name}.svg").write_text(app.export_screenshot(title="faa"), encoding="utf-8")
        print(folder / f"{name}.svg")


async def main(folder: Path) -> None:
    """Take all pictures."""
    folder.mkdir(exist_ok=True)
    for name, (size, keys) in PICTURES.items():
        await take(name, size, keys, folder)


if __name__ == "__main__":
    os.environ |= {"COLORTERM": "truecolor", "TERM": "xterm-256color", "TEXTUAL_ANIMATIONS": "none"}
    with tempfile.TemporaryDirectory() as state:
        os.environ["XDG_STATE_HOME"] = state  # the models opened lately are nobody's business
        asyncio.run(main(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER))
