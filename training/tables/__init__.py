"""The paper's tables, made again on public data small enough for a desk: ``python -m training.tables NAME``."""
