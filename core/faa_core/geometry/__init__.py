"""Numbers from batches of attention matrices: pure functions and streams on torch tensors, no model in sight.

Every function takes NumPy arrays or tensors [..., n, m] on any device, and returns a record of NumPy arrays with value,
error, null, difference, status, scales and curve.
"""

from faa_core.geometry.box_counting import BoxDimension, ThresholdCurve, box_dimension, threshold_curve
from faa_core.geometry.correlation import correlation_dimension, information_codimension
from faa_core.geometry.differential import BoxRangeDimension, box_range_dimension, differential_box_dimension
from faa_core.geometry.estimate import Estimate
from faa_core.geometry.lacunarity import BoxLacunarity, Lacunarity, box_lacunarity, lacunarity
from faa_core.geometry.null_tests import NullTest, null_test
from faa_core.geometry.renyi import RenyiDimensions, renyi_dimensions
from faa_core.geometry.self_similarity import SelfSimilarity, self_similarity
from faa_core.geometry.shuffle_moment import ShuffleMoment, row_shuffle_moment
from faa_core.geometry.spectral import SpectralSlope, spectral_slope
from faa_core.geometry.spectrum import SingularitySpectrum, singularity_spectrum
from faa_core.geometry.support import Support
from faa_core.geometry.surface import SurfaceDimension, surface_dimension, surface_dimension_of_field

__all__ = [
    "BoxDimension",
    "BoxLacunarity",
    "BoxRangeDimension",
    "Estimate",
    "Lacunarity",
    "NullTest",
    "RenyiDimensions",
    "SelfSimilarity",
    "ShuffleMoment",
    "SingularitySpectrum",
    "SpectralSlope",
    "Support",
    "SurfaceDimension",
    "ThresholdCurve",
    "box_dimension",
    "box_lacunarity",
    "box_range_dimension",
    "correlation_dimension",
    "differential_box_dimension",
    "information_codimension",
    "lacunarity",
    "null_test",
    "renyi_dimensions",
    "row_shuffle_moment",
    "self_similarity",
    "singularity_spectrum",
    "spectral_slope",
    "surface_dimension",
    "surface_dimension_of_field",
    "threshold_curve",
]
