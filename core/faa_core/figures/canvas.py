"""An empty figure in the style of all figures, and how one is written."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from faa_core.errors import UsageError
from faa_core.figures.fonts import families

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DPI = 300
"""Dots per inch of pixel files."""
COLUMN, PAGE = 3.5, 7.2
"""Width of a figure in one column of a paper, and across two, in inches."""
SEQUENTIAL, DIVERGING = "viridis", "PuOr_r"
"""Colour maps that colour-blind readers can read, and that order themselves by brightness."""
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""The palette of Okabe and Ito (2008), without its yellow, which is too light for a line on white."""
NULL_COLOUR = "#4D4D4D"
"""Lines of what chance, even attention or a plain surface would give."""
UNSEEN = "#E6E6E6"
"""Cells that a row may not see."""
HATCH = "//////"
"""What is undefined."""

FORMATS = (".png", ".pdf", ".svg", ".eps", ".tif", ".tiff", ".jpg", ".jpeg", ".webp")

_STYLE: dict[str, Any] = {
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.minor.width": 0.4,
    "ytick.minor.width": 0.4,
    "xtick.minor.size": 1.5,
    "ytick.minor.size": 1.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 4,
    "hatch.linewidth": 0.4,
    "legend.frameon": False,
    "savefig.facecolor": "white",
    "figure.facecolor": "white",
    # Text in vector files stays text, which journals ask for and readers can search.
    "pdf.fonttype": 42,
    "ps.fonttype": 42,
    "svg.fonttype": "none",
}


def need_matplotlib() -> None:
    """Make sure that figures can be drawn, before anything expensive is done for them.

    Raises:
        UsageError: matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise UsageError(
            "Figures need matplotlib, which is not installed.", "Install it with: pip install 'faa-tui[figures]'"
        ) from error


@contextlib.contextmanager
def styled(style: str | None = None) -> Iterator[None]:
    """The look of all figures, for as long as one is made or written.

    Args:
        style: A style of matplotlib, laid over it.

    Raises:
        UsageError: There is no matplotlib, or no such style.
    """
    need_matplotlib()
    import matplotlib as mpl
    from matplotlib import style as styles

    with mpl.rc_context():
        mpl.rcdefaults()
        parameters: Any = mpl.rcParams  # its keys are typed one by one
        parameters.update(_STYLE)
        if style is not None:
            try:
                styles.use(style)
            except OSError:
                raise UsageError(
                    f"matplotlib has no style {style!r}.", f"It has, for example, {', '.join(styles.available[:4])}."
                ) from None
            parameters.update({key: _STYLE[key] for key in ("pdf.fonttype", "svg.fonttype")})
        # A style may ask for fonts that are not there. By name, since "sans-serif" is looked up when text is
        # drawn, which may be when the settings are those of the program again.
        parameters["font.family"] = families()
        yield


def new_figure(width: float, height: float) -> Figure:
    """An empty figure that arranges its parts so that none covers another.

    Args:
        width: In inches.
        height: In inches.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained", dpi=DPI)
    # Maps of equal cells are moved after the room for their labels was measured; this keeps them inside.
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0.012, 0.01, 0.976, 0.98))
    FigureCanvasAgg(figure)
    return figure


def plain_axes(axes: Axes) -> None:
    """Leave only the two lines that carry the scales."""
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def target_of(path: str | PathLike[str]) -> Path:
    """The path of a figure, made sure of before it is drawn.

    Raises:
        UsageError: Its ending names no format of figures, or its folder does not exist.
    """
    target = Path(path)
    if target.suffix.lower() not in FORMATS:
        raise UsageError(f"{target} has no ending of a figure.", f"Use one of {', '.join(FORMATS[:3])}.")
    if not target.parent.is_dir():
        raise UsageError(f"{target} is in a folder that does not exist.", "Make the folder first.")
    return target


def save(figure: Figure, path: str | PathLike[str]) -> None:
    """Write a figure; the ending of the path says how. Pixels are at 300 dpi.

    Files of one figure are the same to the byte, because no date is written into them.

    Raises:
        UsageError: It cannot be written.
    """
    target = target_of(path)
    dateless: dict[str, Any] = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
    try:
        with styled():
            import matplotlib as mpl

            mpl.rcParams["svg.hashsalt"] = "faa"
            figure.savefig(target, dpi=DPI, metadata=dateless.get(target.suffix.lower()))
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror or error}.", "Check the folder.") from error
