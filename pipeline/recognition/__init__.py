"""From tracked poses to action labels: windows on a fixed grid, strides, decisions."""
