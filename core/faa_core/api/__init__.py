"""The names of the package fractal-attention-analysis 1.0.0, with the quantities they stand for measured correctly.

A script written for 1.0.0 runs after its import is changed to ``from faa_core import ...``. Where 1.0.0 was wrong, the
same name gives the corrected quantity, and ``method="faa-1.0.0"`` the old one to the last digit. docs/faa-1.0.0.md
lists the differences and the evidence.
"""

from faa_core.api.metrics import AttentionMetrics
from faa_core.api.transforms import FractalTransforms

__all__ = ["AttentionMetrics", "FractalTransforms"]
