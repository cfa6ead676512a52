"""Figures for papers, by matplotlib: the extra ``figures``.

Nothing is registered with pyplot, and no setting of matplotlib is changed for the rest of the program.
"""

from faa_core.figures.visualizer import AttentionVisualizer

__all__ = ["AttentionVisualizer"]
