"""Numbers from batches of attention matrices: pure functions and streams on torch tensors, no model in sight."""

from faa_core.geometry.box_counting import BoxDimension, box_dimension
from faa_core.geometry.estimate import Estimate
from faa_core.geometry.support import Support

__all__ = ["BoxDimension", "Estimate", "Support", "box_dimension"]
