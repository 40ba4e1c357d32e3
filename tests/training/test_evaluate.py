"""``evaluate``'s options change what is measured: which words compete, which windows are seen, and how many people."""

import json
import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from skeleformer.config import SkeleFormerConfig
from skeleformer.pretrained import SkeleFormer
from tests.training.toy import moving
from training.__main__ import main
from training.run.saved import save_model
from training.windows.cut import clip_features

FRAMES = 8
"""Of a window; the clips below are longer."""


def network(words):
    torch.manual_seed(0)
    sizes = SkeleFormerConfig(classes=len(words), width=8, spatial_layers=1, temporal_layers=1, frames=FRAMES)
    return SkeleFormer(sizes).eval()


def opinionated(path, favour):
    """A model that says the same of everything: the word with the largest figure first."""
    model = network(favour)
    with torch.no_grad():
        model.head.classifier.weight.zero_()
        model.head.classifier.bias.copy_(torch.tensor(list(favour.values())))
    save_model(model, path, tuple(favour))
    return path


def nearest(path, examples):
    """A model that gives a window the word of the example (M, T, 17, 2) whose embedding is nearest to its own."""
    model = network(examples)
    with torch.no_grad():
        windows = [clip_features(clip_like(xy), len(xy))[:, -FRAMES:] for xy in examples.values()]
        means = torch.cat([model.head.norm(model.embed(torch.from_numpy(w[None]))) for w in windows])
        sharp = 100 / torch.cdist(means, means).max() ** 2
        model.head.classifier.weight.copy_(sharp * means)
        model.head.classifier.bias.copy_(-sharp * (means**2).sum(1) / 2)
    save_model(model, path, tuple(examples))
    return path


def clip_like(keypoints):
    """A clip of label 0 with these keypoints."""
    clip = moving(0, 0, keypoints.shape[1])
    return replace(clip, keypoints=keypoints, scores=np.ones(keypoints.shape[:3], np.float32))


def circle(frames=40, seed=0):
    return moving(0, seed, frames).keypoints


def slide(frames=40, seed=0):
    return moving(1, seed, frames).keypoints


def write(path, names, clips):
    """An annotation file of clips, each a class and its keypoints (M, T, 17, 2), with one split of all of them."""
    annotations = [
        {"frame_dir": str(i), "label": names.index(name), "fps": 15.0, "keypoint": xy}
        for i, (name, xy) in enumerate(clips)
    ]
    data = {"label_names": names, "annotations": annotations, "split": {"val": [a["frame_dir"] for a in annotations]}}
    path.write_bytes(pickle.dumps(data))
    return path


@pytest.fixture
def report(tmp_path):
    """A function that evaluates a model on clips and gives the report."""

    def run(weights, names, clips, *options):
        data, out = write(tmp_path / "own.pkl", names, clips), tmp_path / "report.json"
        assert main(["evaluate", "--data", str(data), "--weights", str(weights), "--json", str(out), "--device", "cpu",
                     *options]) == 0  # fmt: skip
        return json.loads(out.read_text())

    return run


@pytest.mark.parametrize(("favour", "closed", "opened"), [
    ({"circle": 3.0, "slide": 2.0, "rest": 1.0}, 1, 1),
    ({"circle": 2.0, "slide": 1.0, "rest": 3.0}, 1, 0),
    ({"circle": 1.0, "slide": 2.0, "rest": 3.0}, 0, 0),
])  # fmt: skip
def test_open_lets_words_of_other_data_sets_win(tmp_path, report, favour, closed, opened):
    weights = opinionated(tmp_path / "model.safetensors", favour)
    clips = [("circle", circle()), ("circle", circle(seed=1))]
    assert report(weights, ["circle", "slide"], clips)["top1"] == closed
    assert report(weights, ["circle", "slide"], clips, "--open")["top1"] == opened


def test_open_keeps_each_class_its_name(tmp_path, report):
    weights = opinionated(tmp_path / "model.safetensors", {"rest": 0.0, "circle": 3.0, "slide": 2.0})
    clips = [("slide", slide()), ("circle", circle())]
    assert report(weights, ["slide", "circle"], clips, "--open")["per_class"] == {"slide": 0.0, "circle": 1.0}


def test_centre_looks_at_the_middle_window_alone(tmp_path, report):
    weights = nearest(tmp_path / "model.safetensors", {"circle": circle(), "slide": slide()})
    mostly_slide = slide(90)
    mostly_slide[:, 37:53] = circle(90)[:, 37:53]
    clips = [("circle", circle(90)), ("slide", slide(90)), ("slide", mostly_slide)]
    names = ["circle", "slide"]
    for options in ((), ("--views", "sliding")):
        assert report(weights, names, clips, *options)["per_class"] == {"circle": 1.0, "slide": 1.0}
    assert report(weights, names, clips, "--views", "centre")["per_class"] == {"circle": 1.0, "slide": 0.5}


def test_views_of_clips_no_longer_than_a_window_are_the_same(tmp_path, report):
    weights = nearest(tmp_path / "model.safetensors", {"circle": circle(), "slide": slide()})
    clips = [("circle", circle(FRAMES)), ("slide", circle(FRAMES)), ("slide", slide(FRAMES))]
    sliding, centre = (report(weights, ["circle", "slide"], clips, "--views", v) for v in ("sliding", "centre"))
    assert sliding == centre
    assert sliding["per_class"] == {"circle": 1.0, "slide": 0.5}


def test_people_says_how_many_of_a_clip_are_pooled(tmp_path, report):
    """By default two where every clip has two."""
    both = np.concatenate([circle(), slide()])
    weights = nearest(tmp_path / "model.safetensors", {"alone": circle(), "together": both})
    names, pairs, mixed = ["alone", "together"], [("together", both)], [("together", both), ("alone", circle())]
    assert report(weights, names, pairs, "--people", "1")["top1"] == 0
    assert report(weights, names, pairs, "--people", "2")["top1"] == 1
    assert report(weights, names, pairs)["top1"] == 1
    assert report(weights, names, mixed)["per_class"] == {"alone": 1.0, "together": 0.0}
    assert report(weights, names, mixed, "--people", "2")["per_class"] == {"alone": 1.0, "together": 1.0}
