"""A worker process that speaks the real protocol and makes its maps up from a seed, as the text tells it to.

A text may begin with a line ``%word argument``: ``die`` (SIGKILL in the middle), ``fail`` (with the argument as text),
``long`` (a text longer than the context), ``wait`` (until the file named by the argument exists), ``deaf`` (the same,
without looking for cancel), ``nan`` (D0 undefined everywhere), ``layers`` (as many layers). A model with ``small`` in
its name has half the layers, one with ``halves`` cuts every word in two, and one with ``older`` has no maps without
key 0.
"""

import argparse
import os
import re
import signal
import sys
import time
from pathlib import Path

import numpy as np

from faa_core.catalogue import RUN_KEYS
from faa_core.comparison.alignment import reduce_map
from faa_core.errors import FaaError, GoneError, OutOfMemoryError, TextError, UsageError
from faa_core.findings import HeadExamination, HeadTests, LayerTest, Quantity
from faa_core.inventory import DeviceRoom, ModelDetails
from faa_core.records import (
    BoxCounts,
    Label,
    LayerInfo,
    LayerResult,
    LayerSketch,
    ModelInfo,
    Statistics,
    Tokens,
    status_code,
)
from faa_core.worker.protocol import Resident
from faa_core.worker.server import serve

THRESHOLDS = (1.0, 2.0, 4.0)
LABELS = ("previous token", "induction", "first token", "mixed")


class Engine:
    def __init__(self, layers, heads):
        self.layers, self.heads = layers, heads
        self.runs = {}
        self.grids = {}
        self.references = {}
        self.reference = None

    def depth(self, reference):
        return self.layers // 2 if "small" in reference else self.layers

    def model(self, reference):
        infos = tuple(LayerInfo("decoder", i, self.heads, "causal") for i in range(self.depth(reference)))
        return ModelInfo(
            reference,
            "ScriptedLM",
            "seed 0",
            "cpu",
            "float32",
            "sdpa",
            "interface",
            1000,
            512,
            "",
            infos,
            {"faa": "test"},
        )

    def load(self, job, listener):
        listener.progress("load", "Reading the weights", 1, 2, "bytes")
        self.reference = job.reference
        model = self.model(job.reference)
        listener.loaded(model)
        return model

    def run(self, job, listener):
        reference, text, options = job.reference, job.text, job.options
        command, _, argument = text.splitlines()[0][1:].partition(" ") if text.startswith("%") else ("", "", "")
        if command == "layers":
            self.layers = int(argument)
        if "missing" in reference:
            raise FaaError(f"There is no model {reference!r}.", "Check its name.")
        if reference != self.reference:
            self.load(job, listener)
        if not text.strip():
            raise TextError("The text is empty.", "Type one.")
        if command == "fail":
            raise FaaError(argument, "Try another one.")
        if command == "oom":
            raise OutOfMemoryError("The device ran out of memory: 3.2 GiB were asked for.", "Take a shorter text.")
        if command == "long" and not options.truncate:
            raise TextError("The text has 600 tokens, the context of the model holds 512.", "Cut the text.")
        tokens = tokenised(text, "halves" in reference)
        n = len(tokens)
        listener.started(self.model(reference), tokens, None, 600 if command == "long" else None)
        rng = seeded(reference, n)
        maps = self.runs[job.id] = {}
        self.references[job.id] = reference
        depth = self.depth(reference)
        for layer in range(depth):
            if layer == depth // 2:
                self.interrupt(command, argument, listener)
            listener.check()
            listener.progress("capture", "Forward pass", layer, depth, "layers")
            maps[layer] = np.stack([attention(rng, n, head) for head in range(self.heads)])
            listener.layer(
                layer,
                depth,
                result(layer, maps[layer], undefined=command == "nan", rng=seeded(reference, 1000 * n + layer)),
            )
        return 0.42, ()

    def interrupt(self, command, argument, listener):
        if command == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if command in ("wait", "deaf"):
            Path(argument + ".begun").touch()
            while not Path(argument).exists():
                if command == "wait":
                    listener.check()
                time.sleep(0.01)

    def tile(self, job, check):
        weights = self.map(job.run, job.layer, job.grid)[job.head]
        if job.without_first:
            if "older" in self.references[job.run]:
                raise UsageError("The faa there cannot do 'without-first'.", "Install the same version on both sides.")
            if len(weights) == 13:
                raise UsageError("The rows of this layer did not fit in memory.", "Run a shorter text.")
            rest = weights[:, 1:].sum(1, keepdims=True)
            weights = np.where(rest < 0.05, np.nan, weights / np.maximum(rest, 0.05))
            weights[:, 0] = 0
        for _ in range(job.level):
            size = -(-weights.shape[0] // 2) * 2
            padded = np.zeros((size, size), weights.dtype)
            padded[: weights.shape[0], : weights.shape[1]] = weights
            weights = padded.reshape(size // 2, 2, size // 2, 2).max((1, 3))
        return weights[job.row : job.row_stop, job.column : job.column_stop].astype(np.float16)

    def kept(self, run):
        if run not in self.runs:
            raise GoneError(f"Run {run} is not kept.", "Run the text again.")
        return self.runs[run]

    def map(self, run, layer, grid=0):
        self.kept(run)
        if layer not in self.runs[run]:
            raise UsageError(f"Layer {layer} is not measured.", "Ask when it is ready.")
        weights = self.runs[run][layer]
        return weights if not grid else reduce_map(weights, *self.grids[grid])

    def boxes(self, job, check):
        weights = self.map(job.run, job.layer)[job.head]
        n = len(weights)
        above = weights * np.arange(1, n + 1)[:, None] > THRESHOLDS[job.threshold]
        cells = np.arange(0, n, 1 << job.level)
        return np.logical_or.reduceat(np.logical_or.reduceat(above, cells, axis=0), cells, axis=1)

    def align(self, job):
        self.grids[job.id] = (job.queries, job.keys)

    def sketch(self, job, listener):
        rows = np.array(job.rows)
        for index, layer in enumerate(self.kept(job.run)):
            weights = self.map(job.run, layer, job.grid)[:, rows]
            top = min(job.top, weights.shape[2])
            keys = np.argsort(-weights, axis=-1, kind="stable")[..., :top]
            sketch = LayerSketch(
                LayerInfo("decoder", layer, self.heads, "causal"),
                rows.astype(np.int32),
                np.zeros(len(rows), np.int32),
                (rows + 1).astype(np.int32),
                keys.astype(np.uint16),
                np.take_along_axis(weights, keys, -1).astype(np.float16),
                weights.sum(-1).astype(np.float16),
            )
            listener.sketched(index, len(self.runs[job.run]), sketch)

    def release(self, job):
        self.runs.pop(job.run, None)

    def test(self, job, listener):
        """Head 1 of every layer differs; of a ``patient`` model the test goes on until it is cancelled."""
        if "untested" in (self.reference or ""):
            raise FaaError("The surrogates do not fit into memory.", "Test another statistic.")
        while "patient" in (self.reference or ""):
            listener.check()
            time.sleep(0.01)
        layers = len(self.runs[job.run])
        q = np.where(np.arange(self.heads) == 1, 0.01, 0.5)
        numbers = np.ones(self.heads)
        status = np.full(self.heads, status_code("ok"), np.uint8)
        tested = tuple(
            LayerTest(
                LayerInfo("decoder", layer, self.heads, "causal"), numbers, numbers, numbers, numbers, q / 2, q, status
            )
            for layer in range(layers)
        )
        return HeadTests(job.statistic, job.surrogate, job.replicates, job.seed, tested)

    def examine(self, job, listener):
        kind, layer, head = job.kind, job.layer, job.head
        if head == 7:
            raise FaaError("The maps of this layer are gone.", "Run again.")
        quantities = (
            Quantity("D1", 1.2345, "ok", 1.2345, 0.02, 2.0, 1.5),
            Quantity("D2", np.nan, "no_scaling", 1.1111, np.nan, 2.0),
            Quantity("lacunarity[8]", 3.25, "ok", 3.25, 0.5, 1.0),
        )
        spectrum = np.array([1.0, 2.0]), np.array([1.2345, 1.1111]), np.array([1.25, np.nan]), np.array([1.2, np.nan])
        n = self.map(job.run, layer).shape[1]
        return HeadExamination(kind, layer, head, n, n, quantities, (), *spectrum, 0.5)

    def inspect(self, job):
        """``elsewhere`` is on the hub only, ``mamba`` has no attention, and a ``giant`` fits nowhere."""
        if "missing" in job.reference:
            raise FaaError(f"There is no folder {job.reference}.", "Check the path.")
        if "elsewhere" in job.reference and not job.ask_hub:
            return None
        giant = 1000 if "giant" in job.reference else 1
        return ModelDetails(
            job.reference,
            "ScriptedLM",
            () if "mamba" in job.reference else self.model(job.reference).layers,
            2,
            512,
            1377408,
            "float32",
            giant * 1024**3,
            2 * 1024**2,
            job.tokens,
            3 * 1024**3 if "elsewhere" in job.reference else 0,
            (DeviceRoom("cpu", 20 * 1024**3, 24 * 1024**3),),
            "no" if giant > 1 else "fits",
            "It has no attention, so there is nothing to show." if "mamba" in job.reference else "",
        )

    def residents(self):
        runs = tuple(self.runs)
        return (Resident(self.reference, "cpu", "float32", 5 * 1024**2, 1024**2, runs),) if self.reference else ()

    def unload(self, job):
        if job.reference == self.reference:
            self.reference = None
            self.runs.clear()

    def environment(self):
        return {}, ("cpu",), {}, ()


def seeded(reference, number):
    return np.random.default_rng(number if reference == "demo" else [number, *reference.encode()])


def tokenised(text, halves):
    pieces, offsets = [], []
    for index, word in enumerate(re.finditer(r"\S+", text)):
        start = word.start() - (index > 0)
        middle = start + (word.end() - start + 1) // 2 if halves else word.end()
        for begin, end in ((start, middle), (middle, word.end())):
            if end > begin:
                pieces.append((" " if begin == start and index else "") + text[max(begin, word.start()) : end])
                offsets.append((begin, end))
    special = (False,) * len(pieces)
    return Tokens(tuple(hash(piece) % 1000 for piece in pieces), tuple(pieces), tuple(offsets), special)


def attention(rng, n, head):
    rows, columns = np.indices((n, n))
    logits = rng.normal(0, 0.5, (n, n)) - 0.05 * np.abs(rows - columns)
    logits += 4.0 * {0: rows - columns == 1, 1: columns == 0}.get(head % 4, (rows - columns) % 7 == 0)
    logits[columns > rows] = -np.inf
    weights = np.exp(logits - logits.max(1, keepdims=True))
    return (weights / weights.sum(1, keepdims=True)).astype(np.float32)


def result(layer, maps, undefined, rng):
    heads, n, _ = maps.shape
    value = rng.uniform(0, 1, (len(RUN_KEYS), heads))
    null = np.random.default_rng(layer).uniform(0, 1, (len(RUN_KEYS), heads))
    error = np.full_like(value, np.nan)
    status = np.zeros(value.shape, np.uint8)
    row = RUN_KEYS.index("D0")
    value[row], null[row], error[row] = rng.uniform(1.2, 1.9, heads), 1.93, 0.09
    value[RUN_KEYS.index("previous_token")] = [np.diagonal(m, -1).mean() if n > 1 else np.nan for m in maps]
    if undefined:
        value[row] = np.nan
        status[row] = status_code("too_few_scales")
    sizes = 2 ** np.arange(max(int(np.log2(max(n, 2))), 1))
    boxes = -(-n // sizes)
    counts = np.array([[max(int(b**1.7), 1) for b in boxes] for _ in range(heads)])
    return LayerResult(
        info=LayerInfo("decoder", layer, heads, "causal"),
        queries=n,
        keys=n,
        first_key=np.zeros(n, np.int32),
        stop_key=np.arange(1, n + 1, dtype=np.int32),
        statistics=Statistics(RUN_KEYS, value, null, error, status),
        labels=tuple(Label(LABELS[h % 4], "previous_token", 0.92, 0.4) for h in range(heads)),
        boxes=BoxCounts(
            sizes=sizes.astype(np.int64),
            regressor=np.log(boxes),
            counts=counts.astype(np.int64),
            null_counts=(boxes * (boxes + 1) // 2).astype(np.int64),
            first=np.zeros(heads, np.int16),
            last=np.full(heads, len(sizes) - 1, np.int16),
            intercept=np.zeros(heads),
            effective=np.full(heads, 1.7),
            thresholds=np.array(THRESHOLDS),
            dimensions=np.full((heads, 3), 1.7),
        ),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--nonce")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--heads", type=int, default=8)
    arguments = parser.parse_args()
    sys.exit(serve(lambda: Engine(arguments.layers, arguments.heads), arguments.nonce))
