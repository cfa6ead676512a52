"""Model references made real: loading, devices, tokens, and the bundled model."""
