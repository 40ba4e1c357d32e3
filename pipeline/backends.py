"""Which engines work on this machine, found out by running a shipped network on each.

``python -m pipeline.backends NAME`` tries one and says in a line what came of it; exit code 0 when it works. A process
each, because a broken driver may crash.
"""

from __future__ import annotations

import sys

import numpy as np

from engines import BACKENDS, EngineError, load
from models import model_path

__all__ = ["BACKENDS", "EngineError", "try_backend"]


def try_backend(backend: str) -> str:
    """Load the shipped action model's temporal graph and run it once.

    Returns:
        What runs it, for people.

    Raises:
        EngineError: it does not work here; the message says why and what to install.
    """
    with load(model_path("skeleformer-temporal.onnx"), backend) as network:
        feeds = {spec.name: np.ones([8 if n is None else n for n in spec.shape], spec.dtype) for spec in network.inputs}
        outputs = network.run(feeds)
        if not all(np.isfinite(value).all() for value in outputs.values()):
            raise EngineError(f"{backend} gives numbers that are not finite.")
        return f"runs the action model in {network.precision}"


def main() -> int:
    """Try the backend named on the command line."""
    try:
        print(try_backend(sys.argv[1] if len(sys.argv) > 1 else "auto"))  # noqa: T201
    except EngineError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
