"""Measure what faa promises, and print one table: figure, goal, verdict.

Timings depend on the machine, so none of them decides a test; where it can be done they are ratios taken in one run
beside the thing compared with. ``make bench`` runs this. ``--json`` prints the same rows as data.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import pty
import resource
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable
from dataclasses import asdict
from fcntl import ioctl
from pathlib import Path

from bench_table import Row, print_table

ROOT = Path(__file__).resolve().parent.parent
TOKENS = 512
LONG = 4096
SURROGATES = 30  # that are timed one by one


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("only", nargs="*", help=f"sections to run: {', '.join(SECTIONS)} (default: all)")
    parser.add_argument("--json", action="store_true", help="print the rows as JSON")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(CHILDREN[options.child]()))
        return 0
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed has its bytecode
    rows: list[Row] = []
    for name in options.only or SECTIONS:
        print(f"measuring {name} ...", file=sys.stderr)
        rows += SECTIONS[name]()
    if options.json:
        print(json.dumps([asdict(row) | {"verdict": row.verdict} for row in rows], indent=2))
        return 0
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print_table(rows)
    return 0


# --- start-up -----------------------------------------------------------------------------------------------------


def start_up() -> list[Row]:
    """Seconds until the first screen, until the demo is analysed, and of ``--help``."""
    helps = [_seconds([sys.executable, "-m", "faa_tui", "--help"]) for _ in range(7)]
    with tempfile.TemporaryDirectory() as state:
        # Somebody who has been here before: the tour of a first start would cover the screen, and the user's runs stay.
        mark = Path(state, "faa", "tour-taken")
        mark.parent.mkdir()
        mark.touch()
        paints, readies = zip(*(_application_times(state) for _ in range(5)), strict=True)
    bare = [_seconds([sys.executable, "-c", "pass"]) for _ in range(7)]
    return [
        Row("faa --help", statistics.median(helps), 0.15, "s", f"python alone {statistics.median(bare):.3f} s"),
        Row("first paint of faa", statistics.median(paints), 0.5, "s", "median of 5, 200x50 pty"),
        Row("demo analysed on the screen", statistics.median(readies), 6, "s", "torch import included"),
    ]


def _seconds(command: list[str]) -> float:
    start = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - start


def _application_times(state: str) -> tuple[float, float]:
    """Seconds from exec to the first frame, and to the end of the first run, of the application on a 200x50 pty.

    Args:
        state: Its ``XDG_STATE_HOME``.
    """
    start = time.perf_counter()
    pid, descriptor = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor", "XDG_STATE_HOME": state}
        os.execv(sys.executable, [sys.executable, "-m", "faa_tui", "demo"])
    ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 200, 0, 0))
    seen, paint = b"", 0.0
    try:
        while time.perf_counter() - start < 60:
            if select.select([descriptor], [], [], 0.1)[0]:
                seen += os.read(descriptor, 1 << 16)
            if not paint and b"Models" in seen:
                paint = time.perf_counter() - start
            if b"1 of 6" in seen:
                raise SystemExit("the tour came up, and the times are not those of a usual start")
            if b"done" in seen:
                return paint, time.perf_counter() - start
        raise SystemExit("the application did not finish its first run within a minute")
    finally:
        os.write(descriptor, b"q")
        os.close(descriptor)
        os.waitpid(pid, 0)


# --- frames -------------------------------------------------------------------------------------------------------


def frames() -> list[Row]:
    """Milliseconds of one full heat-map frame at 200x50 on a pty."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "benchmark" / "frame_time.py", "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    measured = json.loads(done.stdout)
    kilobytes = measured["bytes_per_frame"] / 1000
    exact = f"{measured['exact_bytes'] / 1000:.0f} kB a frame"
    return [
        Row("heat-map frame while it moves, median", measured["median_ms"], 5, "ms"),
        Row("heat-map frame while it moves, p95", measured["p95_ms"], 10, "ms"),
        Row("heat-map frame while it moves, size", kilobytes, 75, "kB", "decided by a test"),
        Row("exact heat-map frame, median", measured["exact_ms"], 5, "ms", exact),
        Row("exact heat-map frame, p95", measured["exact_p95_ms"], 10, "ms"),
    ]


def slow_link() -> list[Row]:
    """How long the screen goes on after a held key on a link of 4 Mbit/s."""
    found = _told("slow_link.py")
    detail = (
        f"{found['frames']:.0f} frames of {found['kb_a_frame']:.0f} kB in 3 s; exact after {found['exact_s']:.2f} s"
    )
    return [Row("lag after a held key, 4 Mbit/s", found["lag_s"], 0.3, "s", detail)]


def quitting() -> list[Row]:
    """Seconds from the key to the end of the process, by what the worker does."""
    return [
        Row(f"quit, worker {state}", ended, 0.3, "s", f"terminal restored after {restored:.2f} s")
        for state, (restored, ended) in _told("quit_time.py").items()
    ]


def _told(script: str):
    """What a script of ``tests/benchmark`` has measured."""
    command = [sys.executable, ROOT / "tests" / "benchmark" / script, "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


# --- capture ------------------------------------------------------------------------------------------------------


def _gpt2(folder: Path, layers: int, heads: int, width: int, context: int) -> None:
    """A GPT-2 of random weights with the bundled tokenizer."""
    import torch
    from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(ROOT / "core/faa_core/models/demo")
    config = GPT2Config(n_layer=layers, n_head=heads, n_embd=width, n_positions=context, bos_token_id=0, eos_token_id=0)
    GPT2LMHeadModel(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _text(tokens: int) -> str:
    """Text of at least ``tokens`` tokens, from the sources of the standard library."""
    import inspect
    import textwrap

    return inspect.getsource(textwrap) * (1 + tokens // 4000)


class _Quiet:
    """A listener that listens to nothing."""

    def progress(self, *_: object, **__: object) -> None: ...
    def loaded(self, *_: object) -> None: ...
    def started(self, *_: object) -> None: ...
    def layer(self, *_: object) -> None: ...
    def check(self) -> None: ...


def analysis_time() -> list[Row]:
    """The analysis beside the model's own forward pass with output_attentions=True, and beside capture alone."""
    ratio, added, whole, capture, plain = _child("analysis_time")
    detail = f"analysis {whole:.2f} s, capture {capture:.2f} s, forward {plain:.2f} s; 12 x 12 heads, {TOKENS} tokens"
    return [
        Row("whole analysis / own forward pass", ratio, 1.5, "x", detail),
        Row("what measuring adds / strip capture itself", 100 * added, 60, "%", "every statistic of a default run"),
    ]


class _Drop:
    """A sink that drops every strip."""

    def begin(self, info: object, support: object) -> None: ...

    def strip(self, row: int, weights: object) -> None: ...

    def end(self, rows: object) -> None: ...


def _measure_analysis_time() -> tuple[float, float, float, float, float]:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    from faa_core.analysis import Engine
    from faa_core.capture.opening import open_source
    from faa_core.reference import parse
    from faa_core.worker.protocol import Load, Run, RunOptions

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _gpt2(folder, 12, 12, 768, TOKENS)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        ids = tokenizer(_text(TOKENS), return_tensors="pt").input_ids[:, :TOKENS]
        model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
        engine, quiet = Engine(), _Quiet()
        options = RunOptions(truncate=True)
        source = open_source(parse(str(folder)), "cpu", "float32", quiet.progress)
        plain, capture, whole = [], [], []
        engine.load(Load(1, str(folder), options), quiet)
        for _ in range(7):
            start = time.perf_counter()
            with torch.inference_mode():
                model(ids, output_attentions=True, use_cache=False)
            plain.append(time.perf_counter() - start)
            start = time.perf_counter()
            source.capture(source.encode(_text(TOKENS), True), _Drop())
            capture.append(time.perf_counter() - start)
            start = time.perf_counter()
            engine.run(Run(1, str(folder), _text(TOKENS), options), quiet)
            whole.append(time.perf_counter() - start)
    # The first round warms both up.
    ratio = statistics.median(w / p for w, p in zip(whole[1:], plain[1:], strict=True))
    added = statistics.median(w / c - 1 for w, c in zip(whole[1:], capture[1:], strict=True))
    return ratio, added, *(statistics.median(times[1:]) for times in (whole, capture, plain))


def capture_memory() -> list[Row]:
    """Peak memory over that of the loaded model, in percent of the full attention tensor."""
    full = 8 * 16 * LONG * LONG * 4
    capture, run, plain = _child("capture_memory"), _child("run_memory"), _child("plain_memory")
    size = f"8 x 16 heads, {LONG} tokens; full tensor {full / 2**20:.0f} MiB, plain forward {plain / 2**20:.0f} MiB"
    return [
        Row("memory of capture / full tensor", 100 * (capture - plain) / full, 5, "%", size),
        Row(
            "the same, whole analysis",
            100 * (run - plain) / full,
            5,
            "%",
            "with overviews, and queries and keys kept for zooming in",
        ),
    ]


def _peak_above(prepare: Callable[[Path], Callable[[], object]]) -> int:
    """Bytes of resident memory that running the prepared work adds at its peak."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _gpt2(folder, 8, 16, 1024, LONG)
        work = prepare(folder)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        work()
        return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024


class _Nothing:
    """A sink that measures nothing and keeps nothing."""

    def begin(self, *_: object) -> None: ...
    def strip(self, *_: object) -> None: ...
    def end(self, *_: object) -> None: ...


def _capture_memory() -> int:
    from faa_core import reference
    from faa_core.capture.opening import open_source

    def prepare(folder: Path) -> Callable[[], object]:
        source = open_source(reference.parse(str(folder)), "cpu", "float32", lambda *_: None)
        source.capture(source.encode(_text(64)[:200], False), _Nothing())
        return lambda: source.capture(source.encode(_text(LONG), True), _Nothing())

    return _peak_above(prepare)


def _run_memory() -> int:
    from faa_core.analysis import Engine
    from faa_core.worker.protocol import Load, Run, RunOptions

    def prepare(folder: Path) -> Callable[[], object]:
        engine, quiet = Engine(), _Quiet()
        options = RunOptions(truncate=True)
        engine.load(Load(1, str(folder), options), quiet)
        # A short run first: what a first run allocates once and for all is not what a long text costs.
        engine.run(Run(1, str(folder), _text(64)[:200], options), quiet)
        return lambda: engine.run(Run(1, str(folder), _text(LONG), options), quiet)

    return _peak_above(prepare)


def _plain_memory() -> int:
    import torch
    from transformers import AutoModel, AutoTokenizer

    def prepare(folder: Path) -> Callable[[], object]:
        model = AutoModel.from_pretrained(folder, attn_implementation="sdpa").eval()
        ids = AutoTokenizer.from_pretrained(folder)(_text(LONG), return_tensors="pt").input_ids[:, :LONG]

        def forward(length: int) -> None:
            with torch.inference_mode():
                model(ids[:, :length], use_cache=False)

        forward(64)
        return lambda: forward(LONG)

    return _peak_above(prepare)


# --- tests of all heads -------------------------------------------------------------------------------------------


def head_tests() -> list[Row]:
    """A test of every head of the bundled model, beside one surrogate after the other."""
    found = _child("head_tests")
    return [
        Row(
            f"test of all heads, {statistic}",
            seconds,
            10,
            "s",
            f"{processor:.1f} s of processor time; {surrogates} surrogates one after the other {plain:.1f} s of it",
        )
        for statistic, (seconds, processor, plain, surrogates) in found.items()
    ]


def _measure_head_tests() -> dict[str, tuple[float, float, float, int]]:
    """By statistic: seconds, those of the processor, these if each surrogate is drawn and measured by itself, number.

    Seconds of the processor say the same on a machine that does other things too.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # as in a worker
    from faa_core.analysis import Engine
    from faa_core.geometry import box_dimension, lacunarity, renyi_dimensions
    from faa_core.geometry.surrogates import RowShuffle, Streams
    from faa_core.runs import Runs
    from faa_core.worker.protocol import Run, Test
    from faa_tui.samples import default_sample

    plainly: dict[str, Callable[..., object]] = {
        "D0": box_dimension,
        "D1": lambda x, support: renyi_dimensions(x, (1.0,), support),
        "lacunarity": lambda x, support: lacunarity(x, support, (8,)),
    }
    runs, quiet = Runs(), _Quiet()
    engine = Engine(runs)
    engine.run(Run(1, "demo", default_sample().text), quiet)
    layer = runs.find(1).layer("decoder", 0)
    weights = layer.whole(0)
    permute = RowShuffle(layer.support)
    measured = {}
    for statistic, measure in plainly.items():
        start, processor = time.perf_counter(), time.process_time()
        found = engine.test(Test(2, 1, statistic), quiet)
        seconds, processor = time.perf_counter() - start, time.process_time() - processor
        singly = []
        for replicate in range(SURROGATES + 1):
            start = time.process_time()
            streams = Streams(0, range(replicate, replicate + 1), range(1), weights.device)
            measure(permute(weights[None], streams)[0, 0], layer.support)
            singly.append(time.process_time() - start)
        surrogates = found.replicates * sum(len(part.p) for part in found.layers)
        measured[statistic] = (seconds, processor, statistics.median(singly[1:]) * surrogates, surrogates)
    return measured


# --- comparison ---------------------------------------------------------------------------------------------------


def comparison() -> list[Row]:
    """A comparison with a model behind a real sshd on this machine."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "benchmark" / "remote_screen.py", "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    found = json.loads(done.stdout.splitlines()[-1])
    maps = f"p95 {found['map_p95_ms']:.0f} ms, {found['maps_fetched']:.0f} maps that were not here yet, 30 keys/s"
    link = f"idle {found['ping_idle_ms']:.2f} ms, 90 % within {found['ping_transfer_p90_ms']:.1f} ms"
    loading = f"p99 {found['stall_loading_p99_ms']:.1f} ms; 2 x 144 heads, both workers on these cores"
    own = "longest work of the event loop at one go; the rest of a stall it waits for a core"
    return [
        Row("worker ready over ssh", found["ready_ms"], 400, "ms", f"'ssh true' {found['ssh_true_ms']:.0f} ms"),
        Row("round trip during 64 MiB over ssh", found["ping_transfer_ms"], 1, "ms", link),
        Row("throughput of those", found["transfer_mib_s"], 200, "MiB/s", at_least=True),
        Row("remote map shown after its key", found["map_median_ms"], 50, "ms", maps),
        Row(
            "worst stall, moving through heads",
            found["stall_moving_ms"],
            15,
            "ms",
            f"p99 {found['stall_moving_p99_ms']:.1f} ms",
        ),
        Row("worst stall, while a comparison comes in", found["stall_loading_ms"], 15, "ms", loading),
        Row("work in it, moving through heads", found["work_moving_ms"], 15, "ms", own),
        Row("work in it, while a comparison comes in", found["work_loading_ms"], 15, "ms", own),
    ]


# --- geometry -----------------------------------------------------------------------------------------------------


def geometry() -> list[Row]:
    """The stored-tensor functions of the geometry beside one torch.amax, in a process of their own."""
    command = [sys.executable, Path(__file__).with_name("bench_geometry.py"), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rows = json.loads(done.stdout.splitlines()[-1])
    return [Row(**{name: value for name, value in row.items() if name != "verdict"}) for row in rows]


def _child(name: str):
    """Run one measurement in a fresh process, so that peaks and caches of others do not count."""
    done = subprocess.run([sys.executable, __file__, "--child", name], check=True, capture_output=True, text=True)
    return json.loads(done.stdout.splitlines()[-1])


CHILDREN: dict[str, Callable[[], object]] = {
    "analysis_time": _measure_analysis_time,
    "head_tests": _measure_head_tests,
    "capture_memory": _capture_memory,
    "run_memory": _run_memory,
    "plain_memory": _plain_memory,
}
SECTIONS: dict[str, Callable[[], list[Row]]] = {
    "start_up": start_up,
    "frames": frames,
    "slow_link": slow_link,
    "quitting": quitting,
    "analysis_time": analysis_time,
    "capture_memory": capture_memory,
    "head_tests": head_tests,
    "comparison": comparison,
    "geometry": geometry,
}

if __name__ == "__main__":
    sys.exit(main())
