"""Where ``load_dataset`` was until 0.1: kept for one release for programs that import it from here."""

from training.data.datasets import DataSet, load_dataset

__all__ = ["DataSet", "load_dataset"]
