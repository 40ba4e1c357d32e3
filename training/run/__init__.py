"""One training run: loop, checkpoints, metrics, averages, several processes."""
