"""The names of the package fractal-attention-analysis 1.0.0, with the quantities they stand for measured correctly.

A script written for 1.0.0 runs after its import is changed to ``from faa_core import ...``. Where 1.0.0 was wrong, the
same name gives the corrected quantity, and ``method="faa-1.0.0"`` the old one to the last digit. docs/faa-1.0.0.md
lists the differences and the evidence.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faa_core.api.analyzer import FractalAttentionAnalyzer
    from faa_core.api.loading import DeviceManager, ModelLoader
    from faa_core.api.metrics import AttentionMetrics
    from faa_core.api.transforms import FractalTransforms

__all__ = ["AttentionMetrics", "DeviceManager", "FractalAttentionAnalyzer", "FractalTransforms", "ModelLoader"]

_PLACES = {
    "AttentionMetrics": "metrics",
    "DeviceManager": "loading",
    "FractalAttentionAnalyzer": "analyzer",
    "FractalTransforms": "transforms",
    "ModelLoader": "loading",
}


def __getattr__(name: str) -> Any:
    # On demand: the transforms and the metrics need no transformers.
    if name in _PLACES:
        return getattr(import_module(f"faa_core.api.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
