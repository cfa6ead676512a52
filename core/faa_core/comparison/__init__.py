"""Two models on the same texts: which tokens and heads belong together, what differs, and whether that is real.

NumPy and SciPy on finished runs; neither torch nor a worker is needed.
"""
