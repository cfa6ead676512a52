"""The figures of `AttentionVisualizer`, looked at as matplotlib laid them out and as files."""

from __future__ import annotations

import struct
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import colormaps
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from faa_core import AttentionVisualizer, FractalTransforms
from faa_core.errors import UsageError
from faa_core.figures.labels import boxes_of, label_of

Draw = Callable[..., Any]


def causal(n: int, seed: int = 0) -> np.ndarray:
    a = np.tril(np.random.default_rng(seed).random((n, n)))
    return a / a.sum(1, keepdims=True)


def undefined_row(n: int) -> np.ndarray:
    a = causal(n)
    a[n // 2] = np.nan
    return a


VISUALIZER = AttentionVisualizer()
FIGURES: dict[str, Draw] = {
    "attention_matrix": lambda **kw: VISUALIZER.plot_attention_matrix(causal(12), list("abcdefghijkl"), **kw),
    "fractal_comparison": lambda **kw: VISUALIZER.plot_fractal_comparison(
        causal(12), FractalTransforms().fractal_interpolation_function(causal(12)), **kw
    ),
    "metrics_comparison": lambda **kw: VISUALIZER.plot_metrics_comparison(
        {"demo": {"entropy": 4.1, "D": np.nan}, "demo@init": {"entropy": 4.9, "D": 1.9}}, nulls={"entropy": 5.0}, **kw
    ),
    "fractal_dimension_analysis": lambda **kw: VISUALIZER.plot_fractal_dimension_analysis(
        [1, 2, 4, 8], [64, 30, 11, 0], 1.2, **kw
    ),
    "multi_scale_analysis": lambda **kw: VISUALIZER.plot_multi_scale_analysis(
        FractalTransforms().multi_scale_analysis(causal(12)), **kw
    ),
    "token_importance": lambda **kw: VISUALIZER.plot_token_importance([0.3, np.nan, 0.6], ["a", "$b$", "\n"], **kw),
}


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_returned_and_written_at_300_dpi(name: str, tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    figure = FIGURES[name](save_path=path, title="A title with $ and _")
    assert isinstance(figure, Figure)
    content = path.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", content[16:24]) == pytest.approx(figure.get_size_inches() * 300, abs=1)
    at = content.index(b"pHYs")
    per_metre, _, unit = struct.unpack(">IIB", content[at + 4 : at + 13])
    assert (round(per_metre * 0.0254), unit) == (300, 1)


@pytest.mark.parametrize(("ending", "begin"), [("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_vector_files_keep_their_text_and_are_the_same_each_time(ending: str, begin: bytes, tmp_path: Path) -> None:
    paths = [tmp_path / f"{place}.{ending}" for place in "ab"]
    for path in paths:
        FIGURES["token_importance"](save_path=path, title="A title")
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes().startswith(begin)
    if ending == "svg":
        assert ">A title</text>" in paths[0].read_text()
    else:
        assert b"/Type /Font" in paths[0].read_bytes()
        assert b"/Subtype /Image" not in paths[0].read_bytes()


def test_a_map_of_usual_size_is_drawn_as_vectors(tmp_path: Path) -> None:
    path = tmp_path / "map.pdf"
    figure = VISUALIZER.plot_attention_matrix(causal(40), save_path=path)
    meshes = [part for part in figure.axes[0].collections if isinstance(part, QuadMesh)]
    assert meshes
    assert not any(mesh.get_rasterized() for mesh in meshes)


@pytest.mark.parametrize("name", FIGURES)
def test_every_axis_is_labelled(name: str) -> None:
    figure = FIGURES[name]()
    seen = [axes for axes in figure.axes if axes.get_visible()]
    assert any(axes.get_xlabel() for axes in seen)
    # Bars of metrics are named one by one.
    assert name == "metrics_comparison" or any(axes.get_ylabel() for axes in seen)
    bars = [axes for axes in seen if axes.get_label() == "<colorbar>"]
    assert all(axes.get_ylabel() for axes in bars)
    if name in ("attention_matrix", "fractal_comparison", "multi_scale_analysis"):
        assert bars


def test_units_stand_beside_metrics() -> None:
    figure = FIGURES["metrics_comparison"]()
    assert figure.axes[0].get_xlabel() == "nats"
    assert "null" in figure.axes[0].get_title(loc="left")


@pytest.mark.parametrize("count", [3, 30, 200])
def test_token_labels_never_lie_on_each_other(count: int) -> None:
    tokens = [
        ["␣token", " averyverylongtokenindeed", "x", "日本", "$\\alpha$", "\n"][place % 6] for place in range(count)
    ]
    figure = VISUALIZER.plot_attention_matrix(causal(count), tokens)
    figure.draw_without_rendering()
    axes = figure.axes[0]
    for axis in (axes.xaxis, axes.yaxis):
        boxes = boxes_of(axes, axis.get_ticklabels())
        assert len(boxes) >= min(count, 3)
        assert not any(one.overlaps(other) for one, other in pairwise(boxes))


@pytest.mark.parametrize("name", FIGURES)
def test_no_text_covers_another(name: str) -> None:
    figure = FIGURES[name]()
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
def test_positions_are_whole_numbers(count: int) -> None:
    a = np.tril(np.ones((count, count)))
    figure = VISUALIZER.plot_fractal_comparison(a, a)
    figure.draw_without_rendering()
    said = [label.get_text() for axes in figure.axes[:3] for label in axes.get_xticklabels()]
    assert said
    assert all(float(text.replace("\N{MINUS SIGN}", "-")).is_integer() for text in said)


@pytest.mark.parametrize("name", FIGURES)
def test_all_text_lies_inside_the_figure(name: str) -> None:
    figure = FIGURES[name]()
    figure.draw_without_rendering()
    box = figure.get_tightbbox(figure.canvas.get_renderer())
    width, height = figure.get_size_inches()
    assert box.x0 > -0.02
    assert box.y0 > -0.02
    assert box.x1 < width + 0.02
    assert box.y1 < height + 0.02


@pytest.mark.parametrize(
    ("token", "label"),
    [
        (" the", "␣the"),
        ("a\n", "a↵"),
        ("\t", "⇥"),
        ("\x1b", "\\u001b"),
        ("  ", "␣␣"),
        ("x" * 20, "x" * 13 + "…"),
        ("", ""),
    ],
)
def test_every_character_of_a_token_can_be_seen(token: str, label: str) -> None:
    assert label_of(token) == label


def test_a_dollar_sign_is_a_token_and_no_formula() -> None:
    figure = VISUALIZER.plot_token_importance([1.0, 2.0], ["$", "$x^2$"])
    figure.draw_without_rendering()
    assert "$x^2$  1" in [label.get_text() for label in figure.axes[0].get_yticklabels()]


def test_masked_entries_are_grey_and_undefined_ones_hatched() -> None:
    figure = VISUALIZER.plot_attention_matrix(undefined_row(8))
    assert figure.axes[0].patch.get_hatch()
    said = [text.get_text() for text in figure.legends[0].get_texts()]
    assert said == ["not visible to the query", "undefined"]
    assert not VISUALIZER.plot_attention_matrix(np.full((4, 4), 0.25)).legends
    assert not VISUALIZER.plot_attention_matrix(np.full((4, 4), 0.25)).axes[0].patch.get_hatch()


def test_an_undefined_number_has_a_hatched_bar_and_no_line() -> None:
    figure = FIGURES["metrics_comparison"]()
    assert [bool(bar.get_hatch()) for bar in figure.axes[1].patches] == [True, False]
    undefined = VISUALIZER.plot_fractal_dimension_analysis([1, 2, 4, 8], [64, 60, 11, 9], float("nan"))
    said = [text.get_text() for text in undefined.axes[0].get_legend().get_texts()]
    assert any("undefined" in text for text in said)
    assert undefined.axes[1].patch.get_hatch()


def test_nulls_are_drawn() -> None:
    figure = VISUALIZER.plot_token_importance([0.6, 0.3, 0.3], list("abc"), null=[0.1, 0.2, 0.3])
    (line,) = figure.axes[0].lines
    assert line.get_xdata().tolist() == [0.1, 0.1, 0.2, 0.2, 0.3, 0.3]
    figure = VISUALIZER.plot_fractal_dimension_analysis([1, 2, 4], [30, 10, 3], 1.6, null_counts=[36, 10, 3])
    assert any("null" in text.get_text() for text in figure.axes[0].get_legend().get_texts())


def test_a_box_counting_curve_says_its_numbers() -> None:
    figure = VISUALIZER.plot_fractal_dimension_analysis([8, 2, 4, 16], [4, 64, 16, 0], 2.0)
    top, below = figure.axes
    assert top.lines[0].get_xdata().tolist() == [2, 4, 8]
    assert below.lines[0].get_ydata() == pytest.approx([2.0, 2.0])
    assert "tokens" in below.get_xlabel()


def test_the_highest_scores_come_first_and_fewer_tokens_than_asked_for_are_all() -> None:
    figure = VISUALIZER.plot_token_importance([0.1, 0.5, 0.2], ["a", "b", "c"], top_k=10)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["b  1", "c  2", "a  0"]
    assert len(VISUALIZER.plot_token_importance(range(12), "abcdefghijkl").axes[0].get_yticklabels()) == 10


def test_a_size_of_the_users_own_holds_for_every_figure() -> None:
    visualizer = AttentionVisualizer()
    visualizer.figsize = (5, 4)
    assert visualizer.plot_attention_matrix(np.eye(3)).get_size_inches().tolist() == [5, 4]


def test_colour_maps_order_themselves_by_brightness() -> None:
    colours = colormaps[VISUALIZER.cmap](np.linspace(0, 1, 32))[:, :3]
    brightness = colours @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(brightness) > 0).all()


def test_pyplot_and_the_settings_of_matplotlib_are_left_alone() -> None:
    code = (
        # Past the lookup of single parameters, which imports pyplot to choose a backend.
        "import sys, matplotlib as m; before = dict(dict.items(m.rcParams))\n"
        "from faa_core import AttentionVisualizer\n"
        "v = AttentionVisualizer('ggplot')\n"
        "v.plot_attention_matrix([[1.0]]); v.plot_token_importance([1, 2], ['a', 'b']); v.close_all()\n"
        "assert dict(dict.items(m.rcParams)) == before and 'matplotlib.pyplot' not in sys.modules, 'changed'\n"
        "import matplotlib.pyplot as plt\n"
        "plt.figure(); v.plot_attention_matrix([[1.0]]); assert plt.get_fignums() == [1]\n"
        "v.close_all(); assert plt.get_fignums() == []\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_matplotlib_the_extra_is_named() -> None:
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from faa_core import AttentionVisualizer\n"
        "from faa_core.errors import UsageError\n"
        "try: AttentionVisualizer()\nexcept UsageError as e: print(e)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "faa-tui[figures]" in done.stdout


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="one matrix"):
        VISUALIZER.plot_attention_matrix(np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match="3 tokens, and 2 keys"):
        VISUALIZER.plot_attention_matrix(np.eye(2), ["a", "b", "c"])
    with pytest.raises(ValueError, match="shape"):
        VISUALIZER.plot_fractal_comparison(np.eye(2), np.eye(3))
    with pytest.raises(ValueError, match="no metrics"):
        VISUALIZER.plot_metrics_comparison({})
    with pytest.raises(ValueError, match="count above 0"):
        VISUALIZER.plot_fractal_dimension_analysis([1, 2], [0, 0], 1.0)
    with pytest.raises(ValueError, match="no scales"):
        VISUALIZER.plot_multi_scale_analysis([])
    with pytest.raises(ValueError, match="2 scores, and 1 tokens"):
        VISUALIZER.plot_token_importance([1.0, 2.0], ["a"])
    with pytest.raises(UsageError, match="ending"):
        VISUALIZER.plot_attention_matrix(np.eye(2), save_path=tmp_path / "figure.xyz")
    with pytest.raises(UsageError, match="folder"):
        VISUALIZER.plot_attention_matrix(np.eye(2), save_path=tmp_path / "none" / "figure.png")
    with pytest.raises(UsageError, match="no style"):
        AttentionVisualizer("nosuchstyle")
