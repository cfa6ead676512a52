"""Per-head statistics and the labels drawn from them."""
