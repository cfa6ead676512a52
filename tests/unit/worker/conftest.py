from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import pytest

from faa_core import findings, inventory, records
from faa_core.worker import protocol


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, msgspec.Struct):
        return type(a) is type(b) and all(_same(getattr(a, n), getattr(b, n)) for n in a.__struct_fields__)
    if isinstance(a, tuple | list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, float) and np.isnan(a):
        return bool(np.isnan(b))
    return bool(a == b)


@pytest.fixture(scope="session")
def same() -> Callable[[Any, Any], bool]:
    """Whether two messages are equal, arrays bit by bit, NaN equal to NaN."""
    return _same


@pytest.fixture(scope="session")
def layer_result() -> records.LayerResult:
    nan = float("nan")
    statistics = records.Statistics(
        ("entropy", "sink"),
        np.array([[0.5, nan, -0.0], [np.inf, 1e-300, 2.0]]),
        np.zeros((2, 3)),
        np.full((2, 3), nan),
        np.array([[0, 2, 1], [3, 0, 0]], np.uint8),
    )
    boxes = records.BoxCounts(
        np.array([1, 2, 4]),
        np.log([8.0, 4.0, 2.0]),
        np.arange(9).reshape(3, 3),
        np.array([36, 10, 3]),
        np.array([0, 0, 0], np.int16),
        np.array([2, -1, 2], np.int16),
        np.array([1.0, nan, 2.0]),
        np.array([1.0, nan, 2.0]),
        np.array([1.0, 2.0]),
        np.full((3, 2), nan),
    )
    return records.LayerResult(
        records.LayerInfo("cross", 3, 3, "sliding", window=4, learned_sink=True, note="über"),
        8,
        8,
        np.zeros(8, np.int32),
        np.arange(1, 9, dtype=np.int32),
        statistics,
        (records.Label("induction", "induction", 0.9, 0.4), records.Label("mixed", "", nan, nan, "sink", 0.1)),
        boxes,
    )


@pytest.fixture(scope="session")
def messages(layer_result: records.LayerResult) -> list[protocol.Request | protocol.Event]:
    """One message of every type of the protocol, none with all its defaults."""
    info = layer_result.info
    model = records.ModelInfo(
        "demo@init", "LlamaForCausalLM", "init seed 0", "cuda:0", "bfloat16", "sdpa", "interface",
        7 * 10**10, None, "0123456789abcdef", (info, records.LayerInfo("decoder", 0, 0, "none")), {"torch": "2.13"},
    )  # fmt: skip
    tokens = records.Tokens((1, 2), ("\x1b[31m", "[bold]ü"), ((0, 0), (0, 7)), (True, False))
    options = protocol.RunOptions("cuda:1", "float16", True)
    numbers = np.array([[0.5, np.nan, 1.5], [-1.0, 2.0, np.inf]])
    tested = findings.LayerTest(info, *numbers[[0, 1, 0, 1, 0, 1]], np.array([0, 1, 2], np.uint8))
    probed = findings.LayerProbe(info, ("induction", "duplicate_token"), numbers, numbers, numbers, numbers)
    examined = findings.HeadExamination(
        "cross", 1, 3, 4, 5, (findings.Quantity("D1", np.nan, "no_scaling", 1.5, np.nan, 2.0, 1.25),),
        (findings.ScalingCurve("D1", *numbers[[0, 1, 0, 1]]),), *numbers[[0, 1, 0, 1]], 0.25,
    )  # fmt: skip
    halves = np.array([[[0.5, 0.25]], [[1, 0]]], np.float16)
    rows = np.array([3], np.int32)
    sketched = records.LayerSketch(info, rows, rows - 3, rows + 1, halves.astype(np.uint16), halves, halves[..., 0])
    details = inventory.ModelDetails(
        "gpt2", "GPT2LMHeadModel", (info,), 2, 1024, 2**27, "float32", 2**29, 2**20, 900, None,
        (inventory.DeviceRoom("cuda:0", 2**34, 2**36),), "fits", "a note",
    )  # fmt: skip
    return [
        protocol.Load(1, "gpt2@main", options),
        protocol.Run(2**40, "./checkpoint", "text\x00with\ufffdodd \U0001f600", options),
        protocol.Tile(3, 2, "encoder", 1, 2, 3, 4, 5, 6, 7, 8, protocol.SOON, True),
        protocol.Boxes(3, 2, "encoder", 1, 2, 3, 12),
        protocol.Align(3, 2, "cross", np.array([-1, 0, 0], np.int32), np.array([0, 1], np.int32)),
        protocol.Sketch(3, 2, "decoder", (1, 5), 4, 8, protocol.SOMEDAY),
        protocol.Test(4, 2, "D1", "residual", 39, 5),
        protocol.Probe(4, "demo", options, 20, 2, 7),
        protocol.Examine(4, 2, "cross", 1, 3),
        protocol.Rollout(4, 2),
        protocol.Release(4, 2),
        protocol.Unload(4, "demo"),
        protocol.Residents(4),
        protocol.Models(4, ("~/models",)),
        protocol.Paths(4, "~/che"),
        protocol.Inspect(4, "gpt2", options, 900, True),
        protocol.Environment(4),
        protocol.Tune((1, 7), True, 2**20),
        protocol.Ack(2**40),
        protocol.Cancel(4),
        protocol.Ping(2**63),
        protocol.Bye(),
        protocol.Hello((1, 3), 77, "host", {"torch": "2.13.0"}, ("run", "later")),
        protocol.Progress(1, "download", "model.safetensors", 5, 10, "bytes"),
        protocol.Loaded(1, model),
        protocol.Started(1, model, tokens, tokens, 900),
        protocol.LayerReady(1, 2, 12, layer_result),
        protocol.Tested(4, findings.HeadTests("D1", "residual", 39, 5, (tested,))),
        protocol.Probed(4, findings.RepeatProbe(20, 2, 7, (probed,))),
        protocol.Examined(4, examined),
        protocol.Rolled(4, (findings.RolloutToLast("decoder", numbers[0], numbers[1], "ok"),)),
        protocol.Sketched(3, 0, 2, sketched),
        protocol.Boxed(3, 9, np.array([[255, 128], [1, 0]], np.uint8)),
        protocol.ResidentReport(4, (protocol.Resident("demo", "cuda:0", "bfloat16", 2**34, 2**30, (1, 2)),)),
        protocol.ModelsReport(
            4, inventory.Inventory((inventory.FoundModel("gpt2", "cache", 2**30, 1.5, "incomplete"),), "/cache", True)
        ),
        protocol.PathsReport(
            4, (inventory.FoundPath("checkpoint", True, True), inventory.FoundPath("a.npy", False, True, 9)), False
        ),
        protocol.Inspected(4, details),
        protocol.Chunk(3, "tile", "<f2", (2, 3), 0, 12),
        protocol.EnvironmentReport(4, {"numpy": "2"}, ("cpu",), {"host_total": 2**40}, (("maps", True, "equal"),)),
        protocol.Done(1, 0.25, ("a note",)),
        protocol.Fail(1, "model", "No such model.", "Check the name.", True, "Traceback ..."),
        protocol.Log("warning", "slow"),
        protocol.Beat(1.5, 2**33, 2**36, 7),
        protocol.Pong(2**63),
    ]
