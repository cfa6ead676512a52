"""Real runs of the bundled model, and a way to tell whether two records are the same."""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from faa_core.analysis import Engine
from faa_core.comparison.compare import compare
from faa_core.comparison.records import Comparison
from faa_core.findings import HeadExamination, Quantity, ScalingCurve
from faa_core.records import Analysis
from faa_core.store import Store

TEXTS = (
    "def add(a, b):\n    return a + b\n\nfor name in names:\n    print(name, add(1, len(name)))\n",
    "import os\n\nwith open(path) as lines:\n    counts = [len(line.split()) for line in lines]\n",
)


def same(one: Any, other: Any) -> bool:
    """Whether two records are equal bit for bit, types of arrays included."""
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and np.array_equal(one, other, equal_nan=True)
    if isinstance(one, msgspec.Struct):
        fields = one.__struct_fields__
        return type(one) is type(other) and all(same(getattr(one, name), getattr(other, name)) for name in fields)
    if isinstance(one, tuple):
        return len(one) == len(other) and all(same(*pair) for pair in zip(one, other, strict=True))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and one == other


def examination(layer: int, head: int, value: float = 1.5) -> HeadExamination:
    """An examination of a head, with every kind of number in it."""
    numbers = np.array([0.25, np.nan, np.inf])
    quantities = (Quantity("lacunarity[8]", value, "ok", value), Quantity("D0", np.nan, "no_scaling", 1.2, 0.1))
    curve = ScalingCurve("D0", numbers, numbers, numbers, numbers)
    return HeadExamination("decoder", layer, head, 9, 9, quantities, (curve,), *[numbers] * 4, 0.5)


@pytest.fixture(scope="session")
def runs(run_text: Callable[..., Analysis]) -> dict[str, tuple[Analysis, ...]]:
    """``demo`` and ``demo@init`` on two texts."""
    engine = Engine()
    return {name: tuple(run_text(engine, name, text) for text in TEXTS) for name in ("demo", "demo@init")}


@pytest.fixture(scope="session")
def run(runs: dict[str, tuple[Analysis, ...]]) -> Analysis:
    return runs["demo"][0]


@pytest.fixture(scope="session")
def comparison(runs: dict[str, tuple[Analysis, ...]]) -> Comparison:
    return compare(runs["demo"], runs["demo@init"], hosts=("here", "gpu7"), seed=3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "runs.sqlite"


@pytest.fixture
def model_run(run: Analysis, tmp_path: Path) -> Path:
    """A file that holds one run, from which other processes take what they keep."""
    file = tmp_path / "model.sqlite"
    with Store(file) as store:
        store.save(run)
    return file


PREAMBLE = """
import os, resource, sys
from pathlib import Path
from faa_core import __version__
from faa_core.errors import FaaError
from faa_core.export.files import write_whole
from faa_core.store import Store
path = Path(sys.argv[1])
if len(sys.argv) > 2:
    with Store(Path(sys.argv[2])) as other:
        run = other.analysis(1)
def say(what):
    print(what, flush=True)
def nobody():
    if os.geteuid() == 0:  # whom no permission stops
        os.setgid(65534); os.setuid(65534)
"""


ON_A_SMALL_DISK = 'mount -t tmpfs -o size=600k none "$0" && exec "$@"'


@pytest.fixture
def small_disk(tmp_path: Path, process: Callable[..., subprocess.Popen[str]]) -> Callable[..., subprocess.Popen[str]]:
    """Starts a program whose ``path`` lies on a disk of 600 kB that only it sees; that takes no rights."""
    folder = tmp_path / "disk"
    folder.mkdir()
    alone = ("unshare", "--user", "--map-root-user", "--mount", "sh", "-c", ON_A_SMALL_DISK, str(folder))
    if (
        shutil.which("unshare") is None
        or subprocess.run([*alone, "true"], check=False, stderr=subprocess.DEVNULL).returncode
    ):
        pytest.skip("this system lets nobody mount a file system of his own")

    def start(program: str, *others: Path) -> subprocess.Popen[str]:
        return process(program, folder / "runs.sqlite", *others, before=alone)

    return start


@pytest.fixture
def process() -> Callable[..., subprocess.Popen[str]]:
    """Starts a program in a process of its own, with ``path``, and ``run`` where a second file is given."""

    def start(program: str, *arguments: Path, before: Sequence[str] = ()) -> subprocess.Popen[str]:
        command = [*before, sys.executable, "-c", PREAMBLE + program, *map(str, arguments)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    return start
