"""Does a model use the order of frames? Its accuracy with the frames of every window in order and shuffled.

    python -m benchmarks.frame_order --data ../shared/data/msr_action3d.pkl --split xsub_val [--weights FILE]

Velocities are taken before shuffling, so a model that sees frames as a set loses nothing.
"""

from __future__ import annotations

import argparse
import sys

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.shared.report import exit_code
from training.data.datasets import load_dataset
from training.evaluate import Predict, evaluate
from training.finetune import predictor
from training.recipe import require_merge
from training.run.saved import load_model


def shuffled(predict: Predict, seed: int = 0) -> Predict:
    """The model, shown the frames of each batch of windows in a random order."""
    rng = np.random.default_rng(seed)

    def look(features: NDArray[np.float32]) -> NDArray[np.float32]:
        return predict(features[:, :, rng.permutation(features.shape[2])])

    return look


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True)
    parser.add_argument("--split", default="val")
    parser.add_argument("--weights", help="a .safetensors model (default: the shipped one)")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    return exit_code(lambda: compare(args.data, args.split, args.weights))


def compare(file: str, split: str, weights: str | None) -> None:
    """Print both accuracies.

    Raises:
        UserError: the data set, its split or the model cannot be used.
        WeightsError: the file of weights cannot be read.
    """
    model, words = load_model(weights)
    data = load_dataset(file)
    clips, merge = data.part(split), require_merge(data, words)
    people = 2 if all(len(c.keypoints) == 2 for c in clips) else 1
    for name, predict in (("in order", predictor(model)), ("shuffled", shuffled(predictor(model)))):
        result = evaluate(predict, clips, data.label_names, merge, model.config.frames, people=people)
        print(f"{name}: top-1 {result.report()['top1']:.1%} of {len(clips)} clips")


if __name__ == "__main__":
    sys.exit(main())
