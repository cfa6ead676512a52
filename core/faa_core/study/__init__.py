"""Studies: evidence that a reader can produce again, row by row, with one command."""
