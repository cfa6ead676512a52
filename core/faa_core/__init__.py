"""faa: the attention of a transformer, its geometry and its head statistics, each number beside its null."""

__version__ = "2.0.0a1"
