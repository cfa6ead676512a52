"""What holds of every figure of `AttentionVisualizer`: its files, room for its labels, and nothing left in pyplot."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.figure import Figure

from faa_core import AttentionVisualizer, FractalTransforms
from faa_core.figures.labels import boxes_of

_RANDOM = np.random.default_rng(0)
CAUSAL = np.tril(_RANDOM.random((24, 24)))
CAUSAL /= CAUSAL.sum(axis=1, keepdims=True)
TOKENS = [f"token{i}" for i in range(24)]
MIXED = FractalTransforms().fractal_interpolation_function(CAUSAL)
SCALES = FractalTransforms().multi_scale_analysis(CAUSAL)
METRICS = {"a": {"entropy": 3.0, "sparsity": 0.5}, "b": {"entropy": float("nan")}}

DRAWN: dict[str, Callable[..., Figure]] = {
    "attention_matrix": lambda v, **k: v.plot_attention_matrix(CAUSAL, TOKENS, **k),
    "fractal_comparison": lambda v, **k: v.plot_fractal_comparison(CAUSAL, MIXED, **k),
    "metrics_comparison": lambda v, **k: v.plot_metrics_comparison(METRICS, nulls={"entropy": 4.0}, **k),
    "fractal_dimension_analysis": lambda v, **k: v.plot_fractal_dimension_analysis([2, 4, 8], [80, 20, 6], 1.9, **k),
    "multi_scale_analysis": lambda v, **k: v.plot_multi_scale_analysis(SCALES, **k),
    "token_importance": lambda v, **k: v.plot_token_importance(CAUSAL.mean(axis=0), TOKENS, **k),
}


@pytest.fixture
def visualizer() -> AttentionVisualizer:
    return AttentionVisualizer()


@pytest.mark.parametrize("name", DRAWN)
def test_every_method_returns_a_figure_and_writes_it(
    name: str, visualizer: AttentionVisualizer, tmp_path: Path
) -> None:
    before = dict(mpl.rcParams)
    png, pdf = tmp_path / "figure.png", tmp_path / "figure.pdf"
    figure = DRAWN[name](visualizer, save_path=png, title="A title with $ and _")
    assert isinstance(figure, Figure)
    content = png.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", content[16:24])
    assert (width, height) == tuple(int(300 * inches) for inches in figure.get_size_inches())
    at = content.index(b"pHYs")
    per_metre, _, unit = struct.unpack(">IIB", content[at + 4 : at + 13])
    assert (round(per_metre * 0.0254), unit) == (300, 1)
    DRAWN[name](visualizer, save_path=str(pdf))
    assert pdf.read_bytes().startswith(b"%PDF-")
    assert dict(mpl.rcParams) == before


@pytest.mark.parametrize("name", DRAWN)
def test_no_text_covers_another(name: str, visualizer: AttentionVisualizer) -> None:
    figure = DRAWN[name](visualizer)
    figure.draw_without_rendering()
    for axes in figure.axes:
        if not axes.get_visible():
            continue
        for axis in (axes.xaxis, axes.yaxis):
            shown = [label for label in axis.get_ticklabels() if label.get_text()]
            low, high = sorted(axis.get_view_interval())
            shown = [
                label
                for label, place in zip(shown, axis.get_ticklocs(), strict=False)
                if low <= place <= high
            ]  # fmt: skip
            boxes = boxes_of(axes, shown)
            assert not any(one.overlaps(other) for one, other in pairwise(boxes)), (name, axis)


@pytest.mark.parametrize("count", [3, 12, 40])
def test_positions_are_whole_numbers(count: int, visualizer: AttentionVisualizer) -> None:
    a = np.tril(np.ones((count, count)))
    figure = visualizer.plot_fractal_comparison(a, a)
    figure.draw_without_rendering()
    said = [label.get_text() for axes in figure.axes[:3] for label in axes.get_xticklabels()]
    assert said
    assert all(float(text.replace("\N{MINUS SIGN}", "-")).is_integer() for text in said)


def test_nothing_of_pyplot_is_touched() -> None:
    code = (
        "import sys, numpy as np\n"
        "from faa_core import AttentionVisualizer\n"
        "v = AttentionVisualizer('ggplot')\n"
        "v.plot_attention_matrix(np.eye(4)); v.plot_token_importance([1, 2], ['a', 'b']); v.close_all()\n"
        "assert 'matplotlib.pyplot' not in sys.modules\n"
        "import matplotlib.pyplot as plt\n"
        "assert plt.get_fignums() == []\n"
        "plt.figure(); v.plot_attention_matrix(np.eye(4)); assert plt.get_fignums() == [1]\n"
        "v.close_all(); assert plt.get_fignums() == []\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
