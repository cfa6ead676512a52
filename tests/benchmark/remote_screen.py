"""The comparison with a model behind a real sshd on this machine: how soon it is ready, and how smoothly it moves.

``python tests/benchmark/remote_screen.py [--json]``; ``make bench`` runs it, on the machines of ``tests/remote``.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
STARTS = 9
KEYS_PER_SECOND = 30
ROUNDS = 2


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= {"XDG_STATE_HOME": name, "XDG_CONFIG_HOME": name, "TEXTUAL_ANIMATIONS": "none"}
        lab = _lab(folder)
        os.environ["FAA_SSH"] = lab.ssh
        try:
            measured = _starts(lab) | _link() | asyncio.run(_screen(_wide(folder)))
        finally:
            lab.gpu7.stop()
            lab.gpu8.stop()
    print(
        json.dumps(measured) if options.json else "\n".join(f"{key:28} {value:.2f}" for key, value in measured.items())
    )
    return 0


def _lab(folder: Path) -> Any:
    """The machines of the tests."""
    spec = importlib.util.spec_from_file_location("lab", ROOT / "tests" / "remote" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    os.makedirs("/run/sshd", exist_ok=True)
    (folder / "lab").mkdir()
    return module.Lab(folder / "lab")


def _wide(folder: Path) -> Path:
    """A model of 12 x 12 heads with random weights and the bundled tokenizer."""
    made = folder / "wide"
    code = (
        "import sys, torch; from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel; torch.manual_seed(0);"
        "t = AutoTokenizer.from_pretrained(sys.argv[1]);"
        "c = GPT2Config(n_layer=12, n_head=12, n_embd=192, n_positions=512, bos_token_id=0, eos_token_id=0);"
        "GPT2LMHeadModel(c).save_pretrained(sys.argv[2]); t.save_pretrained(sys.argv[2])"
    )
    demo = ROOT / "core" / "faa_core" / "models" / "demo"
    subprocess.run([sys.executable, "-c", code, demo, made], check=True, capture_output=True)
    return made


def _starts(lab: Any) -> dict[str, float]:
    """Milliseconds until a remote worker has greeted, and of the least that ssh itself takes."""
    from faa_core.worker.client import WorkerClient
    from faa_tui.hosts import Hosts

    hosts, ready, bare = Hosts(), [], []
    for _ in range(STARTS):
        began = time.perf_counter()
        subprocess.run([*lab.ssh.split(), "gpu7", "true"], check=True, capture_output=True)
        bare.append(time.perf_counter() - began)
        client = WorkerClient(lambda event: None, hosts.launch("gpu7"))
        began = time.perf_counter()
        client.start()
        ready.append(time.perf_counter() - began)
        client.close()
    return {"ready_ms": 1000 * statistics.median(ready), "ssh_true_ms": 1000 * statistics.median(bare)}


def _link() -> dict[str, float]:
    """How long answers take while 64 MiB come."""
    command = [sys.executable, ROOT / "scripts" / "bench_link.py", "gpu7", "--json"]
    found: dict[str, float] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


class Ticker:
    """The times that the event loop was not free, and what it did itself meanwhile.

    The rest of a time it waited for a core, or for the interpreter, which other threads had.
    """

    def __init__(self) -> None:
        self.gaps: list[float] = []
        self.work: list[float] = []

    async def run(self) -> None:
        last, worked = time.perf_counter(), time.thread_time()
        while True:
            await asyncio.sleep(0.001)
            now, work = time.perf_counter(), time.thread_time()
            self.gaps.append(now - last - 0.001)
            self.work.append(work - worked)
            last, worked = now, work

    def take(self) -> tuple[list[float], list[float]]:
        """Both since the last call."""
        taken, self.gaps, self.work = (self.gaps, self.work), [], []
        return taken


async def _screen(folder: Path) -> dict[str, float]:
    from faa_tui.application import FaaApp
    from faa_tui.samples import default_sample

    app = FaaApp(str(folder), default_sample().text, others=(f"gpu7:{folder}",))
    async with app.run_test(size=(200, 50)) as pilot:
        ticker = Ticker()
        task = asyncio.create_task(ticker.run())

        async def until_still() -> None:
            while not (app.desk and app.desk.comparing.comparisons and app.at_rest):
                await asyncio.sleep(0.01)

        began = time.perf_counter()
        while not (app.desk and app.desk.screen.is_mounted and app.desk.screen.is_drawn):
            await asyncio.sleep(0.01)
        await pilot.pause()
        ticker.take()  # of the first paint, which nobody waits for at the keyboard
        await until_still()
        whole = time.perf_counter() - began
        loading, loading_work = ticker.take()
        desk = app.desk
        assert desk is not None
        screen = desk.screen
        arrived: dict[Any, float] = {}
        put = screen.put_tile

        def noted(key: Any, block: Any) -> None:
            put(key, block)
            arrived.setdefault(key.address, time.perf_counter())

        screen.put_tile = noted  # type: ignore[method-assign]
        shown: dict[Any, float] = {}
        for _ in range(ROUNDS):
            for _layer in range(12):
                for _ in range(11):
                    started = time.perf_counter()
                    screen.action_head(1)
                    address = screen.address_of(1)
                    if address not in arrived:
                        shown.setdefault(address, started)
                    await asyncio.sleep(max(0.0, 1 / KEYS_PER_SECOND - (time.perf_counter() - started)))
                screen.action_layer(1)
                screen.action_head(-11)
        await until_still()
        late = [arrived[address] - at for address, at in shown.items() if address in arrived]
        task.cancel()
        moving, moving_work = ticker.take()
        await pilot.pause()
    late.sort()
    return {
        "comparison_s": whole,
        "stall_loading_ms": 1000 * max(loading),
        "stall_loading_p99_ms": 1000 * sorted(loading)[int(0.99 * len(loading))],
        "work_loading_ms": 1000 * max(loading_work),
        "stall_moving_ms": 1000 * max(moving),
        "stall_moving_p99_ms": 1000 * sorted(moving)[int(0.99 * len(moving))],
        "work_moving_ms": 1000 * max(moving_work),
        "map_median_ms": 1000 * statistics.median(late),
        "map_p95_ms": 1000 * late[int(0.95 * len(late))],
        "maps_fetched": float(len(late)),
    }


if __name__ == "__main__":
    sys.exit(main())
