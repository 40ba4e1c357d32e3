"""What the two MoveNet networks cost on this machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from pipeline.pose.movenet.lightning import MoveNetLightning
from pipeline.pose.movenet.multipose import MoveNetMultipose
from pipeline.pose.movenet.square import Square
from pipeline.pose.picture import View

RUNS = 2


@dataclass(frozen=True, slots=True)
class Costs:
    """Time of the whole-frame network in units of the one-person network's.

    Attributes:
        usual: the ratio at an input of 256 x 256.
    """

    usual: float = 3.3

    def of(self, view: View) -> float:
        """How many people can be followed in the time of one pass over ``view``; cost goes with the input's pixels."""
        return self.usual * view.input_pixels / (256 * 256)


def clock_for(backend: str, platform: str = sys.platform) -> Callable[[], float]:
    """The clock to measure the networks by on a backend of :func:`engines.load`.

    Where the thread runs the networks itself it is the thread's own time on the processor, so that a busy machine gives
    the same answer as an idle one; but not on Windows, where that moves in steps of 15.6 ms, longer than a run.
    """
    return time.thread_time if backend == "onnx-cpu" and platform != "win32" else time.perf_counter


def measure_costs(
    multipose: MoveNetMultipose, lightning: MoveNetLightning, clock: Callable[[], float] = time.perf_counter
) -> Costs:
    """Run both networks a few times; the best of each counts, since other work can only make a run slower.

    Args:
        multipose: the whole-frame network.
        lightning: the one-person network.
        clock: seconds, see :func:`clock_for`.
    """
    image = np.zeros((256, 256, 3), np.uint8)
    view, square = View(0, 0, 256, 256, 256), Square(0, 0, 256)
    whole, crop = [], []
    for _ in range(RUNS + 1):  # the first run of each sets up its memory
        start = clock()
        multipose.detect(image, view)
        middle = clock()
        lightning.look(image, square)
        whole.append(middle - start)
        crop.append(clock() - middle)
    return Costs(min(whole[1:]) / max(min(crop[1:]), 1e-9))
