"""`AttentionVisualizer` of 1.0.0: its six figures, drawn for a paper."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from faa_core.figures import curves, heatmap, labels
from faa_core.figures.canvas import COLUMN, DIVERGING, PAGE, SEQUENTIAL, new_figure, save, styled, target_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SavePath = str | PathLike[str] | None

_WEIGHT = "attention weight (square-root scale)"
_BAR: dict[str, Any] = {"shrink": 0.8, "aspect": 22}


class AttentionVisualizer:
    """Figures of attention matrices, metrics and dimensions.

    Every method returns a `matplotlib.figure.Figure`, and writes it where ``save_path`` is given: ``.png`` at 300 dpi,
    ``.pdf`` and ``.svg`` as vectors, by its ending. Matrices are NumPy arrays or torch tensors; undefined entries are
    NaN, and hatched. pyplot is not touched, so figures need no closing, no display, and may be drawn on any thread.

    Args:
        style: A style of matplotlib to lay over that of the figures, for example ``ggplot``; none by default.

    Attributes:
        cmap: Colour map of weights; one that colour-blind readers can read.
        figsize: Width and height in inches of every figure; by default each has the size that fits its content and
            the columns of a paper.

    Raises:
        UsageError: matplotlib is not installed (the extra ``figures``), or has no such style.
    """

    def __init__(self, style: str | None = None) -> None:
        with styled(style):
            self._style = style
        self.cmap = SEQUENTIAL
        self.figsize: tuple[float, float] | None = None

    def plot_attention_matrix(
        self,
        attention_matrix: Any,
        tokens: Sequence[str] | None = None,
        title: str = "Attention matrix",
        save_path: SavePath = None,
    ) -> Figure:
        """One map: queries down, keys to the right.

        Args:
            attention_matrix: [n, m] weights.
            tokens: One for each key; the first n of them name the rows, too. As many are written as fit.
            title: Above the map.
            save_path: Where to write it.

        Raises:
            ValueError: It is no matrix, or has another number of keys than there are tokens.
            UsageError: It cannot be written.
        """
        a = heatmap.matrix_of(attention_matrix, "attention_matrix")
        if tokens is not None and len(tokens) != a.shape[1]:
            raise ValueError(f"There are {len(tokens)} tokens, and {a.shape[1]} keys.")
        unseen = heatmap.unseen_of(a)
        with self._figure(save_path, 4.6, 4.2) as drawing:
            axes = drawing.figure.subplots()
            drawn = heatmap.draw_map(axes, a, heatmap.weight_norm(a), self.cmap, unseen)
            axes.set_title(title, parse_math=False)
            axes.set(xlabel=_side("key", tokens), ylabel=_side("query", tokens))
            drawing.figure.colorbar(drawn, ax=axes, label=_WEIGHT, shrink=0.85)
            heatmap.legend(drawing.figure, [a], bool(unseen.any()))
            square = tokens is not None and a.shape[0] == a.shape[1]
            labels.label_tokens(axes, "y", tokens if square else None, a.shape[0])
            labels.label_tokens(axes, "x", tokens, a.shape[1])
        return drawing.figure

    def plot_fractal_comparison(
        self,
        original: Any,
        transformed: Any,
        title: str = "Fractal transformation",
        save_path: SavePath = None,
    ) -> Figure:
        """Two maps on one scale of colours, and their difference around zero.

        Args:
            original: [n, m] weights.
            transformed: [n, m]: what a transform made of them.
            title: Above the maps.
            save_path: Where to write it.

        Raises:
            ValueError: One of them is no matrix, or they differ in shape.
            UsageError: It cannot be written.
        """
        a, b = heatmap.matrix_of(original, "original"), heatmap.matrix_of(transformed, "transformed")
        if a.shape != b.shape:
            raise ValueError(f"The matrices differ in shape: {list(a.shape)} and {list(b.shape)}.")
        with self._figure(save_path, PAGE, 2.9) as drawing:
            left, middle, right = drawing.figure.subplots(1, 3, sharey=True)
            unseen, shared = heatmap.unseen_of(a), heatmap.weight_norm(a, b)
            unseen_b = heatmap.unseen_of(b)
            drawn = heatmap.draw_map(left, a, shared, self.cmap, unseen)
            heatmap.draw_map(middle, b, shared, self.cmap, unseen_b)
            drawing.figure.colorbar(drawn, ax=[left, middle], label="attention weight\n(square-root scale)", **_BAR)
            change = b - a
            moved = heatmap.draw_map(right, change, heatmap.change_norm(change), DIVERGING, unseen & unseen_b)
            drawing.figure.colorbar(moved, ax=right, label="change of the weight\n(square-root scale)", **_BAR)
            for axes, name in ((left, "original"), (middle, "transformed"), (right, "transformed - original")):
                axes.set_title(name)
                axes.set_xlabel("key (position)")
            left.set_ylabel("query (position)")
            drawing.figure.suptitle(title, fontsize=10, parse_math=False)
            heatmap.legend(drawing.figure, [a, b], bool(unseen.any()))
        return drawing.figure

    def plot_metrics_comparison(
        self,
        metrics_dict: Mapping[str, Mapping[str, float]],
        title: str = "Comparison of metrics",
        save_path: SavePath = None,
        nulls: Mapping[str, float] | None = None,
    ) -> Figure:
        """A panel for each metric, because their units differ, and in it a bar for each object.

        Args:
            metrics_dict: Name of a model, text or head to its metrics, as `AttentionMetrics.compute_all_metrics` has
                them. One that is missing or NaN is hatched.
            title: Above the panels.
            save_path: Where to write it.
            nulls: Metric to the value that chance, or even attention, has; drawn as a dashed line.

        Raises:
            ValueError: There is nothing to compare.
            UsageError: It cannot be written.
        """
        metrics = list(dict.fromkeys(metric for one in metrics_dict.values() for metric in one))
        if not metrics:
            raise ValueError("There are no metrics to compare.")
        columns = min(3, len(metrics))
        rows = -(-len(metrics) // columns)
        bars = 0.2 * len(metrics_dict)
        width = PAGE if columns > 1 else COLUMN
        with self._figure(save_path, width, 0.6 + rows * (0.75 + bars)) as drawing:
            grid = drawing.figure.subplots(rows, columns, squeeze=False, sharey=True)
            for place, axes in enumerate(grid.flat):
                if place >= len(metrics):
                    axes.set_visible(False)
                    continue
                metric = metrics[place]
                values = [float(one.get(metric, np.nan)) for one in metrics_dict.values()]
                curves.metric_bars(axes, metric, list(metrics_dict), values, (nulls or {}).get(metric))
            drawing.figure.suptitle(title, fontsize=10, parse_math=False)
        return drawing.figure

    def plot_fractal_dimension_analysis(
        self,
        scales: Sequence[int],
        counts: Sequence[int],
        dimension: float,
        title: str = "Box counting",
        save_path: SavePath = None,
        null_counts: Sequence[int] | None = None,
    ) -> Figure:
        """The curve behind a box-counting dimension, and below it the local slopes, which agree if it is one.

        Args:
            scales: Sides of the boxes, in tokens.
            counts: Boxes that hold something, for each of them; 0 is left out, because it has no logarithm.
            dimension: D; NaN where it is undefined.
            title: Above the curve.
            save_path: Where to write it.
            null_counts: Counts of the bare mask; by default the line of a filled plane, D = 2, is drawn.

        Raises:
            ValueError: There are not as many counts as scales, or none above 0.
            UsageError: It cannot be written.
        """
        with self._figure(save_path, COLUMN, 3.9) as drawing:
            top, below = drawing.figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.3))
            curves.box_counting(top, below, scales, counts, float(dimension), null_counts)
            top.set_title(title, parse_math=False)
        return drawing.figure

    def plot_multi_scale_analysis(
        self,
        multi_scale_results: Sequence[tuple[float, Any]],
        title: str = "Scales of the golden ratio",
        save_path: SavePath = None,
    ) -> Figure:
        """The maps of `FractalTransforms.multi_scale_analysis` side by side.

        One scale of colours serves all, so that weights which shrink with the scale are seen to.

        Args:
            multi_scale_results: Pairs of a scale and a matrix [n, m].
            title: Above the maps.
            save_path: Where to write it.

        Raises:
            ValueError: There is none, or one is no matrix.
            UsageError: It cannot be written.
        """
        scaled = [
            (float(scale), heatmap.matrix_of(a, f"matrix {place}"))
            for place, (scale, a) in enumerate(multi_scale_results)
        ]
        if not scaled:
            raise ValueError("There are no scales to draw.")
        columns = min(5, len(scaled))
        rows = -(-len(scaled) // columns)
        with self._figure(save_path, PAGE if columns > 2 else COLUMN, 0.8 + 1.55 * rows) as drawing:
            grid = drawing.figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
            norm = heatmap.weight_norm(*(a for _, a in scaled))
            unseen = [heatmap.unseen_of(a) for _, a in scaled]
            for place, axes in enumerate(grid.flat):
                if place >= len(scaled):
                    axes.set_visible(False)
                    continue
                scale, a = scaled[place]
                drawn = heatmap.draw_map(axes, a, norm, self.cmap, unseen[place])
                axes.set_title(f"scale {scale:.3f}")
            for axes in grid[-1]:
                axes.set_xlabel("key (position)")
            for axes in grid[:, 0]:
                axes.set_ylabel("query (position)")
            label = "weight\n(square-root scale)"
            bar: dict[str, Any] = {"aspect": 14 * rows, "pad": 0.01, "shrink": 0.62 if rows == 1 else 0.8}
            drawing.figure.colorbar(drawn, ax=grid.ravel().tolist(), label=label, **bar)
            drawing.figure.suptitle(title, fontsize=10, parse_math=False)
            heatmap.legend(drawing.figure, [a for _, a in scaled], any(hidden.any() for hidden in unseen))
        return drawing.figure

    def plot_token_importance(
        self,
        token_scores: Any,
        tokens: Sequence[str],
        top_k: int = 10,
        title: str = "Token importance",
        save_path: SavePath = None,
        null: Any = None,
        label: str = "score",
    ) -> Figure:
        """The tokens with the highest scores, highest on top.

        Args:
            token_scores: One for each token; NaN comes last, and is hatched.
            tokens: The tokens.
            top_k: How many of them; all where there are fewer.
            title: Above the bars.
            save_path: Where to write it.
            null: What chance gives: one number, or one for each token. By default the mean score, the even share.
            label: What a score is, with its unit.

        Raises:
            ValueError: There are not as many scores as tokens, or ``top_k`` is below 1.
            UsageError: It cannot be written.
        """
        scores = np.asarray(token_scores, dtype=np.float64).ravel()
        if len(scores) != len(tokens) or not len(scores):
            raise ValueError(f"There are {len(scores)} scores, and {len(tokens)} tokens.")
        if top_k < 1:
            raise ValueError(f"At least one token is shown, not {top_k}.")
        shown = min(top_k, len(scores))
        with self._figure(save_path, COLUMN + 0.5, 1.0 + 0.2 * shown) as drawing:
            axes = drawing.figure.subplots()
            curves.token_bars(axes, scores, tokens, shown, null)
            axes.set_title(title, parse_math=False)
            axes.set_xlabel(label)
            drawing.figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2)
        return drawing.figure

    @staticmethod
    def close_all() -> None:
        """Close the figures of pyplot, if the program has any; those made here go when nobody holds them."""
        pyplot = sys.modules.get("matplotlib.pyplot")
        if pyplot is not None:
            pyplot.close("all")

    def _figure(self, save_path: SavePath, width: float, height: float) -> _Drawing:
        return _Drawing(self._style, save_path, *(self.figsize or (width, height)))


class _Drawing:
    """A figure for as long as it is drawn, in the style of all of them; written at the end.

    Attributes:
        figure: The figure.
    """

    def __init__(self, style: str | None, path: SavePath, width: float, height: float) -> None:
        self._path = None if path is None else target_of(path)
        self._style = styled(style)
        self._size = width, height
        self.figure: Figure

    def __enter__(self) -> _Drawing:
        self._style.__enter__()
        self.figure = new_figure(*self._size)
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            if error is None and self._path is not None:
                save(self.figure, self._path)
        finally:
            self._style.__exit__(kind, error, trace)


def _side(name: str, tokens: Sequence[str] | None) -> str:
    return f"{name} (position)" if tokens is None else f"{name} (token)"
