"""faa: the attention of a transformer, its geometry and its head statistics, each number beside its null."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faa_core.api import AttentionMetrics, DeviceManager, FractalAttentionAnalyzer, FractalTransforms, ModelLoader
    from faa_core.comparison.records import Comparison
    from faa_core.errors import FaaError
    from faa_core.figures import AttentionVisualizer
    from faa_core.library import analyze, compare
    from faa_core.records import Analysis

__version__ = "2.0.0a1"
__all__ = [
    "Analysis",
    "AttentionMetrics",
    "AttentionVisualizer",
    "Comparison",
    "DeviceManager",
    "FaaError",
    "FractalAttentionAnalyzer",
    "FractalTransforms",
    "ModelLoader",
    "__version__",
    "analyze",
    "compare",
]

_PLACES = {
    "Analysis": "records",
    "AttentionMetrics": "api.metrics",
    "AttentionVisualizer": "figures",
    "Comparison": "comparison.records",
    "DeviceManager": "api.loading",
    "FaaError": "errors",
    "FractalAttentionAnalyzer": "api.analyzer",
    "FractalTransforms": "api.transforms",
    "ModelLoader": "api.loading",
    "analyze": "library",
    "compare": "library",
}


def __getattr__(name: str) -> Any:
    # On demand, because torch and NumPy come with them and the screen must start without.
    if name in _PLACES:
        return getattr(import_module(f"faa_core.{_PLACES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
