"""What every pose option costs on this machine: ``python -m benchmarks.pose_models [--models NAME ...] [--json FILE]``.

The mmpose models have random weights, which run exactly as fast as trained ones; they are exported first, so mmpose has
to be installed (``make mmpose``), otherwise only MoveNet is measured. One thread, one picture of 640 x 480 pixels with
three people in given boxes, median of the runs. Detector and keypoints are measured apart, because a detector need not
run on every frame. What counts is the thread's time on the processor, so that other work on the machine counts little.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.shared.report import Output, exit_code
from core.types import Frame
from engines.openmmlab import missing_packages
from pipeline import UserError
from pipeline.pose.movenet.lightning import MoveNetLightning
from pipeline.pose.movenet.square import Square
from pipeline.pose.openmmlab.detector import MoveNetDetector
from pipeline.pose.openmmlab.onestage import OneStage
from pipeline.pose.openmmlab.published import card_of, load_network
from pipeline.pose.openmmlab.rtmpose import CropNetwork

MODELS = ("rtmpose-t", "rtmpose-s", "rtmpose-m", "rtmpose-l", "hrnet-w32", "rtmo-t", "rtmo-s")
BOXES = np.array([[60, 80, 180, 420], [260, 60, 380, 440], [450, 100, 560, 430]], np.float32)
CLIP = Path(__file__).resolve().parent.parent / "assets" / "demo.mp4"


def median_ms(call: Callable[[], object], seconds: float) -> float:
    """Median duration of ``call``, repeated for about so long, after three calls to warm up."""
    for _ in range(3):
        call()
    durations: list[float] = []
    end = time.perf_counter() + seconds
    while not durations or time.perf_counter() < end:
        start = time.thread_time()
        call()
        durations.append(time.thread_time() - start)
    return 1e3 * statistics.median(durations)


def picture() -> NDArray[np.uint8]:
    """The first frame of the bundled clip, 640 x 480.

    Raises:
        UserError: it cannot be read.
    """
    clip = cv2.VideoCapture(str(CLIP))
    found, image = clip.read()
    clip.release()
    if not found:
        raise UserError(f"{CLIP} cannot be read")
    return cv2.resize(image, (640, 480))  # type: ignore[return-value]


def movenet(image: NDArray[np.uint8], seconds: float) -> list[dict[str, Any]]:
    """Milliseconds of the two shipped networks."""
    whole, one = MoveNetDetector(), MoveNetLightning()
    squares = [Square((x1 + x2 - y2 + y1) // 2, y1, y2 - y1) for x1, y1, x2, y2 in BOXES.astype(int).tolist()]
    return [
        {"model": "movenet-multipose", "input": "256x192", "frame_ms": median_ms(lambda: whole.detect(image), seconds)},
        {
            "model": "movenet-lightning",
            "input": "192x192",
            "one_person_ms": median_ms(lambda: one.look(image, squares[0]), seconds),
            "three_people_ms": median_ms(lambda: [one.look(image, square) for square in squares], seconds),
        },
    ]


def measure(name: str, folder: Path, image: NDArray[np.uint8], seconds: float) -> dict[str, Any]:
    """Milliseconds of one mmpose model as exported, with its size."""
    import torch

    from engines.export_pose import export_model
    from engines.openmmlab.config import find_config, read_config
    from engines.openmmlab.model import build_model

    torch.manual_seed(0)
    path = folder / f"{name}.onnx"
    model = build_model(read_config(find_config(name)))
    card, _ = export_model(model, path)
    network = load_network(path, "onnx-cpu", 1)
    row: dict[str, Any] = {
        "model": name,
        "input": "{}x{}".format(*card.size),
        "parameters_m": round(sum(p.numel() for p in model.parameters()) / 1e6, 1),
    }
    if card.kind == "one-stage":
        whole = OneStage(network, card_of(network, name), name)
        row["frame_ms"] = median_ms(lambda: whole.estimate(Frame(0, 0.0, image)), seconds)
        return row
    crops = CropNetwork(network, card_of(network, name), name)
    row["one_person_ms"] = median_ms(lambda: crops.keypoints_in(image, BOXES[:1]), seconds)
    row["three_people_ms"] = median_ms(lambda: crops.keypoints_in(image, BOXES), seconds)
    return row


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; the exit code is 0, or 2 for what cannot work."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="*", default=MODELS, help="names of mmpose configurations")
    parser.add_argument("--seconds", type=float, default=3.0, help="how long to measure each")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    args = parser.parse_args(arguments)
    return exit_code(lambda: compare(args.models, args.seconds, Output(args.json)))


def compare(models: Sequence[str], seconds: float, out: Output) -> None:
    """Print a row for each model, and write them.

    Raises:
        UserError, EngineError: a model cannot be built, exported or loaded.
    """
    cv2.setNumThreads(1)
    image = picture()
    rows = movenet(image, seconds)
    missing = missing_packages()
    if missing and models:
        print(f"only MoveNet: {', '.join(missing)} not installed", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        rows += [measure(name, Path(folder), image, seconds) for name in (() if missing else models)]
    print(f"{'model':18} {'input':>9} {'M param.':>9} {'frame':>8} {'1 person':>9} {'3 people':>9}   (ms, one thread)")
    for row in rows:
        times = [row.get(key) for key in ("frame_ms", "one_person_ms", "three_people_ms")]
        frame, one, three = (f"{value:.1f}" if value is not None else "" for value in times)
        print(f"{row['model']:18} {row['input']:>9} {row.get('parameters_m', ''):>9} {frame:>8} {one:>9} {three:>9}")
    out.write_json(rows)


if __name__ == "__main__":
    sys.exit(main())
