"""Objects whose fractal geometry is known exactly: what every estimator is held against."""
