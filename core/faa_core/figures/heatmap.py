"""A matrix as a map: colours, what a row may not see, and what is undefined."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from faa_core.figures.canvas import HATCH, UNSEEN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

Matrix = NDArray[np.float64]

_VECTOR_CELLS = 128 * 128  # as many as a reader of vector files draws without a pause


def matrix_of(given: Any, name: str) -> Matrix:
    """One matrix [n, m] from an array or a tensor; NaN is allowed and drawn as undefined.

    Raises:
        ValueError: It is none, or it is empty.
    """
    for step in ("detach", "cpu", "float"):
        # Tensors on a device, or in a number format that NumPy lacks; arrays have none of these.
        given = getattr(given, step)() if hasattr(given, step) else given
    a = np.asarray(given, dtype=np.float64)
    if a.ndim != 2 or not a.size:
        raise ValueError(f"{name} must be one matrix [n, m], not {list(a.shape)}.")
    return a


def unseen_of(a: Matrix) -> NDArray[np.bool_]:
    """Cells that a causal row may not see: those above the diagonal of a square matrix that has no weight there.

    The first row does not count, because `FractalTransforms` mixes the last into it; where it has weight, it is seen.
    """
    above = np.triu(np.ones(a.shape, bool), 1) & (np.nan_to_num(a) == 0)
    causal = a.shape[0] == a.shape[1] > 2 and not np.triu(np.nan_to_num(a), 1)[1:].any()
    return above if causal else np.zeros(a.shape, bool)


def weight_norm(*matrices: Matrix) -> Normalize:
    """Colours of attention weights, one scale for all: square roots, because most weights are small beside the largest.

    Args:
        matrices: Weights; NaN does not count.
    """
    from matplotlib.colors import PowerNorm

    largest = max((float(np.nanmax(a)) for a in matrices if np.isfinite(a).any()), default=0.0)
    return PowerNorm(0.5, 0.0, largest if largest > 0 else 1.0)


def change_norm(change: Matrix) -> Normalize:
    """Colours of differences of weights around 0: square roots to both sides."""
    from matplotlib.colors import FuncNorm

    most = float(np.nanmax(np.abs(change))) if np.isfinite(change).any() else 0.0
    most = most if most > 0 else 1.0

    def root(x: Any) -> Any:
        return np.sign(x) * np.sqrt(np.abs(x))

    def square(x: Any) -> Any:
        return np.sign(x) * np.square(x)

    return FuncNorm((root, square), -most, most)


def draw_map(axes: Axes, a: Matrix, norm: Normalize, cmap: str, unseen: NDArray[np.bool_] | None = None) -> Any:
    """Draw a matrix, first row on top; returns what a colour bar wants.

    Args:
        axes: Empty; cell i will be centred on coordinate i.
        a: [n, m]; NaN is hatched.
        norm: Its scale.
        cmap: Name of the colour map.
        unseen: [n, m]: cells that no row may see, drawn grey.
    """
    from matplotlib.ticker import MaxNLocator

    rows, columns = a.shape
    unseen = np.zeros(a.shape, bool) if unseen is None else unseen
    edges = np.arange(columns + 1) - 0.5, np.arange(rows + 1) - 0.5
    hidden = np.ma.masked_array(a, unseen | ~np.isfinite(a))
    options: dict[str, Any] = {"rasterized": a.size > _VECTOR_CELLS, "linewidth": 0, "antialiased": False}
    if (~np.isfinite(a) & ~unseen).any():
        axes.patch.set(hatch=HATCH, edgecolor="#808080", facecolor="white", linewidth=0)
    drawn = axes.pcolormesh(*edges, hidden, norm=norm, cmap=cmap, **options)
    if unseen.any():
        from matplotlib.colors import ListedColormap

        grey = np.ma.masked_array(np.ones(a.shape), ~unseen)
        axes.pcolormesh(*edges, grey, cmap=ListedColormap([UNSEEN]), **options)
    axes.set(xlim=(-0.5, columns - 0.5), ylim=(rows - 0.5, -0.5))
    for axis in (axes.xaxis, axes.yaxis):
        # Tokens are counted. As many steps at any size, too, or labels would grow after room was made for them.
        axis.set_major_locator(MaxNLocator(nbins=5, steps=[1, 2, 5, 10], integer=True))
    # Equal cells, unless a map is so narrow that nothing could be seen.
    axes.set_aspect("equal" if 0.25 <= rows / columns <= 4 else "auto")
    return drawn


def legend(figure: Figure, matrices: list[Matrix], unseen: bool) -> None:
    """Say below the maps what grey and hatching mean, where there is any."""
    from matplotlib.patches import Patch

    handles = [Patch(facecolor=UNSEEN, edgecolor="#808080", linewidth=0.4, label="not visible to the query")]
    handles = handles if unseen else []
    if any((~np.isfinite(a)).any() for a in matrices):
        handles.append(Patch(facecolor="white", edgecolor="#808080", hatch=HATCH, linewidth=0.4, label="undefined"))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), handlelength=1.4)
