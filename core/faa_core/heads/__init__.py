"""Statistics of attention heads, and the labels drawn from them."""

from faa_core.heads.meter import LayerMeter

__all__ = ["LayerMeter"]
