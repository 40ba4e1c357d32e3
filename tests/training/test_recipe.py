"""The shipped model's recipe, run for real on tiny files: what is learnt from, what is measured, and what is told."""

import json
import pickle
from collections import Counter
from dataclasses import dataclass, field

import pytest
import torch

from skeleformer.config import SkeleFormerConfig
from skeleformer.weights import read_metadata
from tests.training.toy import SMALL, moving
from tests.training.toy_recipe import PROTOCOLS, VIDEO_FILES, family, validation_names, write_recipe
from training import finetune, recipe
from training.__main__ import main
from training.data.datasets import load_dataset
from training.data.mocap import load_mocap
from training.data.pickles import load_plain_pickle
from training.data.vocabulary import IDLE, LABELS, MERGE
from training.recipe import HELD_PART, SHIPPED, VIDEO, shipped_sources
from training.run.distil import load_teachers
from training.run.saved import load_model, validation_seen
from training.tables import networks, sources
from training.tables.__main__ import main as tables
from training.tables.networks import require_encoder
from training.windows import sampler

WINDOWS = 192
"""Enough that every file is drawn from."""

ALL = validation_names(*PROTOCOLS)
OF_VIDEO = validation_names(*VIDEO_FILES)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_recipe(tmp_path_factory.mktemp("recipe"))


@pytest.fixture
def seen(monkeypatch):
    """What a run in this process draws windows from and what it measures."""
    found = Seen()

    def window(clip, rng, frames, augmentation, *args, _real=sampler.training_window):
        found.drawn[clip.name] += 1
        found.proportions.add(augmentation.proportions)
        return _real(clip, rng, frames, augmentation, *args)

    def batches(*args, _real=sampler.epoch_batches):
        for batch in _real(*args):
            found.idle += int((batch.target[:, LABELS.index(IDLE)] & batch.choices.all(1)).sum())
            yield batch

    def measure(predict, clips, *args, _real=recipe.evaluate, **kwargs):
        found.measured |= {clip.name for clip in clips}
        return _real(predict, clips, *args, **kwargs)

    monkeypatch.setattr(sampler, "training_window", window)
    monkeypatch.setattr(finetune, "epoch_batches", batches)
    monkeypatch.setattr(recipe, "evaluate", measure)
    return found


@dataclass
class Seen:
    """Clips by name.

    Attributes:
        drawn: how many training windows each gave; a held pose has ``idle/`` before the clip's name, a stroll
            ``strolling/``.
        idle: how many windows were to be told from all words as nobody doing anything.
        measured: those that a figure was made of.
        proportions: by how much bodies were changed.
    """

    drawn: Counter = field(default_factory=Counter)
    idle: int = 0
    measured: set = field(default_factory=set)
    proportions: set = field(default_factory=set)

    @property
    def learnt(self):
        """Clips that gave windows, held poses or strolls."""
        return {name.removeprefix("idle/").removeprefix("strolling/") for name in self.drawn}

    @property
    def held(self):
        """Clips of which a pose was held."""
        return [name.removeprefix("idle/") for name in self.drawn if name.startswith("idle/")]


def of_recipe(command, folder, out, *more):
    return main([command, "--shipped", str(folder), "--out", str(out), "--epochs", "1", "--windows-per-epoch",
                 str(WINDOWS), "--batch", "64", "--device", "cpu", *more])  # fmt: skip


def figures(out):
    """Names of what a run has measured."""
    row = json.loads((out / "metrics.jsonl").read_text())
    return {name for name in row if ":" in name}


def splits(files):
    return {f"{file}:{validation}" for file in files for _, validation in PROTOCOLS[file]}


def require_idle_windows(seen):
    """As many as the recipe says, of no file whose poses are not to be held, each to be told from every other word."""
    assert 0.02 < seen.idle / WINDOWS < 0.15
    assert seen.idle == sum(count for name, count in seen.drawn.items() if name.startswith(("idle/", "strolling/")))
    assert not {name.split("/")[0] for name in seen.held} & {"exercise", "sbu"}


def test_the_shipped_model_learns_from_training_parts_alone(folder, seen, tmp_path):
    assert of_recipe("finetune", folder, tmp_path, *SMALL) == 0
    model, words = load_model(str(tmp_path / "model.safetensors"))
    assert words == LABELS
    assert validation_seen(model) == ()
    assert not seen.learnt & ALL
    assert seen.measured == ALL
    assert figures(tmp_path) == splits(PROTOCOLS)
    assert {name.split("/")[0] for name in seen.learnt if "/" in name} == {family(file) for file in PROTOCOLS}
    require_idle_windows(seen)
    assert seen.proportions == {0.0}


def test_every_window_shows_bodies_of_the_asked_proportions(folder, seen, tmp_path):
    assert of_recipe("finetune", folder, tmp_path, "--proportions", "0.1", *SMALL) == 0
    assert seen.proportions == {0.1}


def write_held(path, label="idle", clips=4):
    """What ``extract`` makes of held pictures, in the first of which it found nobody."""
    annotations = [
        {"frame_dir": f"idle/recorded-{seed}", "label": 0, "fps": 15.0,
         "keypoint": moving(0, seed).keypoints * (seed > 0), "keypoint_score": moving(0, seed).scores * (seed > 0)}
        for seed in range(clips)
    ]  # fmt: skip
    path.write_bytes(pickle.dumps({"label_names": [label], "split": {}, "annotations": annotations}))
    return str(path)


def test_people_in_held_pictures_are_told_from_every_other_word(folder, seen, tmp_path):
    held = write_held(tmp_path / "held.pkl")
    assert of_recipe("finetune", folder, tmp_path / "run", "--held", held, *SMALL) == 0
    recorded = {name: count for name, count in seen.drawn.items() if name.startswith("idle/recorded")}
    assert set(recorded) == {f"idle/recorded-{seed}" for seed in (1, 2, 3)}
    assert sum(recorded.values()) / WINDOWS == pytest.approx(HELD_PART, abs=0.03)
    assert seen.idle == sum(count for name, count in seen.drawn.items() if name.startswith(("idle/", "strolling/")))


@pytest.mark.parametrize(
    ("clips", "label", "said"), [(4, "walk", "classes other than 'idle'"), (1, "idle", "found nobody")]
)
def test_other_files_than_of_held_pictures_are_refused(folder, tmp_path, capsys, clips, label, said):
    held = write_held(tmp_path / "held.pkl", label, clips)
    assert of_recipe("finetune", folder, tmp_path / "run", "--held", held, *SMALL) == 2
    assert said in capsys.readouterr().err


def test_held_pictures_belong_to_the_recipe(tmp_path, capsys):
    held = write_held(tmp_path / "held.pkl")
    assert main(["finetune", "--data", held, "--held", held, "--out", str(tmp_path / "run")]) == 2
    assert "--held belongs to --shipped" in capsys.readouterr().err


def test_with_validation_learns_from_all_clips_of_real_video_and_measures_none_of_them(folder, seen, tmp_path):
    assert of_recipe("finetune", folder, tmp_path, "--with-validation", *SMALL) == 0
    model, _ = load_model(str(tmp_path / "model.safetensors"))
    assert set(validation_seen(model)) == set(VIDEO_FILES)
    for file in VIDEO_FILES:
        assert seen.learnt & validation_names(file)
    assert not seen.learnt & (ALL - OF_VIDEO)
    assert seen.measured == ALL - OF_VIDEO
    assert figures(tmp_path) == splits(PROTOCOLS.keys() - set(VIDEO_FILES))


def test_a_teacher_of_the_recipe_learns_from_training_parts_alone(folder, seen, tmp_path):
    assert of_recipe("teacher", folder, tmp_path, "--width", "8") == 0
    assert not seen.learnt & ALL
    assert seen.measured == ALL
    assert figures(tmp_path) == splits(PROTOCOLS)
    require_idle_windows(seen)
    load_teachers([str(tmp_path / "teacher.safetensors")], LABELS, torch.device("cpu"))


def test_no_clip_of_a_part_is_both_learnt_from_and_measured(folder):
    for part in SHIPPED:
        data = load_dataset(folder / f"{part.file}.pkl")
        measured = {clip.name for split in part.validate for clip in data.part(split)}
        assert measured == validation_names(part.file)
        assert {clip.name for clip in data.part(part.train)} == {clip.name for clip in data.clips} - measured


def test_no_clip_of_the_public_files_is_both_learnt_from_and_measured(shared):
    learnt, measured = set(), set()
    for part in SHIPPED:
        data = load_plain_pickle(shared / "data" / f"{part.file}.pkl")
        names = {split: {(family(part.file), name) for name in own} for split, own in data["split"].items()}
        learnt |= set.intersection(*(names[split] for split in part.train.split("&")))
        measured |= set.union(*(names[split] for split in part.validate))
    assert {of for of, _ in learnt} == {of for of, _ in measured} == {family(file) for file in PROTOCOLS}
    assert not learnt & measured


def test_clips_teach_every_word(folder):
    taught = {word for source in shipped_sources(folder) for clip in source.clips for word in source.merge[clip.label]}
    assert sorted(taught) == list(range(len(LABELS)))


def test_clips_teach_the_words_of_their_classes(folder):
    """Whatever order the classes of a file are in."""
    for source in shipped_sources(folder):
        for clip in source.clips if source.name != "mocap" else ():
            own, name, _ = clip.name.split("/")
            assert tuple(LABELS[word] for word in source.merge[clip.label]) == MERGE[own][name]


def test_held_out_takes_and_those_without_a_word_are_not_learnt_from(folder):
    takes = {take.name: take for take in load_mocap(folder / "mocap.npz")}
    source = shipped_sources(folder, whole=VIDEO)[-1]
    learnt = {clip.name for clip in source.clips}
    left_out = [takes[name] for name in takes.keys() - learnt]
    assert learnt
    assert {take.held_out for take in left_out} == {True, False}
    assert all(take.held_out or take.label == "a label that no word stands for" for take in left_out)
    assert not any(takes[name].held_out for name in learnt)


@pytest.mark.parametrize("kind", sources.KINDS)
def test_a_source_model_learns_from_no_clip_of_a_target(folder, seen, tmp_path, monkeypatch, kind):
    monkeypatch.setattr(sources, "WINDOWS", 256)
    monkeypatch.setattr(sources, "PART", 128)
    monkeypatch.setattr(networks, "SkeleFormerConfig", small_config)
    networks.skeleformer(3, None).save_pretrained(tmp_path / "encoder.safetensors")
    assert tables(["source", "--data", str(folder), "--encoder", str(tmp_path / "encoder.safetensors"), "--kind", kind,
                   "--source", str(tmp_path / "out")]) == 0  # fmt: skip
    path = tmp_path / "out" / f"source-{kind}.safetensors"
    told = read_metadata(path)
    assert tuple(json.loads(told["labels"])) == LABELS
    rest = ("exercise_train", "nw_ucla", "msr_daily", "florence", "gtu", "sbu")
    assert json.loads(told["trained_on"]) == list(rest)
    assert {name.split("/")[0] for name in seen.learnt} == {family(file) for file in rest}
    assert not seen.learnt & ALL
    assert sum(seen.drawn.values()) == 256
    require_encoder(path, "input" if kind == "input" else "jemf")


def small_config(*args, **kwargs):
    return SkeleFormerConfig(*args, **kwargs, width=8, spatial_layers=1, temporal_layers=1)
