"""faa: the attention of a transformer, its geometry and its head statistics, each number beside its null."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from faa_core.api import AttentionMetrics, FractalTransforms

__version__ = "2.0.0a1"
__all__ = ["AttentionMetrics", "FractalTransforms", "__version__"]


def __getattr__(name: str) -> Any:
    # On demand, because torch and NumPy come with them and the screen must start without.
    if name in ("AttentionMetrics", "FractalTransforms"):
        from faa_core import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
