"""From numbers to cells: colour ramps, half blocks, curves."""
