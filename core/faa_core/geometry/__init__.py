"""Numbers from batches of attention matrices: pure functions on tensors [..., n, m]."""
