"""The paper's tables: what is disturbed, how trials are trained, and that each command writes its report."""

import json
import pickle
from functools import partial

import numpy as np
import pytest
import torch

from core.errors import UserError
from core.skeleton import COCO_PARENTS, check_parents
from skeleformer.config import SkeleFormerConfig
from skeleformer.multistream.features import HEIGHT_M
from skeleformer.pretrained import SkeleFormer
from skeleformer.tuning import METHODS
from tests.training.toy import COCO_FROM_KINECT, KINECT, STANDING, recording
from training.finetune import predictor
from training.run.checkpoint import save_checkpoint
from training.run.saved import take_over
from training.tables import joints, networks, run, transfer
from training.tables import task as tasks
from training.tables.cli import OF_ONE_TARGET, TABLES, main
from training.tables.joints import load_sensor_task
from training.tables.networks import encoder_weights, skeleformer, stgcn
from training.tables.occlusion import hide_frames, hide_joints
from training.tables.report import Report, files_of
from training.tables.sources import left_out
from training.tables.structure import random_tree, shuffle_nodes
from training.tables.task import Task
from training.tables.trial import Budget, Cost, train
from training.windows.source import Source

HELD_OUT = 4
"""Clips of a data set that are measured on; it has twelve."""


def write_sensor_set(folder, name, splits=("xsub_train", "xsub_val"), kept=tuple(range(20))):
    """A data set of a sensor that reports only the ``kept`` of Kinect's joints."""
    annotations = [
        {"frame_dir": f"{i}", "label": i % 2, "total_frames": 16, "fps": 15.0,
         "keypoint": recording(i % 2, i)[:, :, list(kept)], "keypoint_score": np.ones((1, 16, len(kept)), np.float32)}
        for i in range(12)
    ]  # fmt: skip
    split = {s: [str(i) for i in range(12) if (i < 12 - HELD_OUT) == s.endswith("train")] for s in splits}
    data = {"split": split, "label_names": ["lift", "bend"], "annotations": annotations,
            "joint_names": [KINECT[j] for j in kept],
            "to_coco17": [kept.index(j) if j in kept else -1 for j in COCO_FROM_KINECT]}  # fmt: skip
    write_annotations(folder, name, data)


def write_annotations(folder, name, data):
    (folder / f"{name}.pkl").write_bytes(pickle.dumps(data))


def write_encoder(path, **sizes):
    """An encoder of the fixture's sizes but for those given."""
    small = {"classes": 5, "width": 8, "spatial_layers": 1, "temporal_layers": 1}
    save_checkpoint(path, {"encoder": SkeleFormer(SkeleFormerConfig(**(small | sizes))).state_dict()})
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Tiny data sets by the names of the recipe, a source model, an encoder, and trials of one pass."""
    write_sensor_set(tmp_path, "utkinect")
    write_sensor_set(tmp_path, "msr_action3d")
    write_sensor_set(tmp_path, "nw_ucla", ("xview_train", "xsub_train", "xview_val"))
    monkeypatch.setattr(tasks, "PASSES", dict.fromkeys(tasks.PASSES, 1))
    small = partial(SkeleFormerConfig, width=8, spatial_layers=1, temporal_layers=1)
    monkeypatch.setattr(networks, "SkeleFormerConfig", small)
    torch.set_num_threads(1)
    for kind in ("full", "scratch", "input"):
        model = skeleformer(5, None, fusion="input" if kind == "input" else "jemf")
        model.save_pretrained(tmp_path / f"source-{kind}.safetensors")
    write_encoder(tmp_path / "encoder.ckpt")
    return tmp_path


def command(folder, table, *more):
    """Arguments of the program; what is given later wins."""
    return [table, "--data", str(folder), "--encoder", str(folder / "encoder.ckpt"), "--source", str(folder),
            "--seeds", "1", "--out", str(folder / "out"), *more]  # fmt: skip


def reports(folder):
    return sorted(p.stem for p in (folder / "out").glob("*.json"))


@pytest.mark.parametrize(
    ("table", "names", "rows"),
    [
        ("pretraining", ("table1-5-pretraining-utkinect",), 3),
        ("structure", ("table6-structure",), 2),
        ("transfer", ("table7-transfer-utkinect",), len(METHODS)),
        ("joints", ("table9-joints",), 4),
        ("components", ("table10-components",), 4),
        ("prompts", ("table11-13-prompts",), 8),
        ("scale", ("table14-scale",), 6),
        ("occlusion", ("table15-part-occlusion-utkinect", "table16-frame-occlusion-utkinect"), 4),
    ],
)
def test_each_table_is_written_by_its_command(folder, table, names, rows):
    assert main(command(folder, table, "--targets", "utkinect")) == 0
    assert reports(folder) == sorted(names)
    for name in names:
        written = json.loads((folder / "out" / f"{name}.json").read_text())
        assert len(written["rows"]) == rows
        for row in written["rows"]:
            figures = [v for cell in row["cells"] if isinstance(cell, list) for v in cell]
            assert figures
            clips = np.array(figures) * HELD_OUT / 100  # in percent of the clips held out, whole ones
            np.testing.assert_allclose(clips, clips.round(), atol=1e-6)
            assert np.abs(clips).max() >= 1
        text = (folder / "out" / f"{name}.md").read_text()
        assert text.count("\n| ") == rows + 2
        assert "python -m training.tables " + table in text


def test_a_missing_encoder_ends_in_one_sentence(folder, capsys):
    assert main(command(folder, "pretraining", "--encoder", str(folder / "none.ckpt"))) == 2
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("sizes", [{"width": 16}, {"temporal_layers": 2}, {"frames": 16}, {"fusion": "input"}])
@pytest.mark.parametrize("table", ["pretraining", "structure", "occlusion"])
def test_an_encoder_of_other_sizes_is_refused_before_anything_is_measured(folder, capsys, table, sizes):
    other = write_encoder(folder / "other.ckpt", **sizes)
    assert main(command(folder, table, "--targets", "utkinect", "--encoder", str(other))) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "parameters fit" in told
    assert not reports(folder)


def test_a_source_model_of_other_sizes_is_refused_before_anything_is_measured(folder, capsys):
    model = SkeleFormer(SkeleFormerConfig(classes=5, width=16, spatial_layers=1, temporal_layers=1, fusion="input"))
    model.save_pretrained(folder / "source-input.safetensors")
    assert main(command(folder, "components", "--targets", "utkinect")) == 2
    assert "source-input.safetensors" in capsys.readouterr().err
    assert not reports(folder)


@pytest.mark.parametrize("fusion", ["input", "post"])
def test_only_the_fusion_may_differ_from_the_encoders(folder, fusion):
    encoder = encoder_weights(folder / "encoder.ckpt")
    taken = skeleformer(5, folder / "encoder.ckpt", fusion=fusion).state_dict()
    for name in ("spatial.streams.joint.weight", "temporal.position"):
        torch.testing.assert_close(taken[name], encoder[name])


@pytest.mark.parametrize("option", [("--seeds", "0"), ("--seeds", "-1"), ("--seeds", "x"), ("--threads", "0")])
def test_numbers_that_cannot_be_meant_are_refused(folder, capsys, option):
    with pytest.raises(SystemExit) as stop:
        main(command(folder, "joints", *option))
    assert stop.value.code == 2
    assert f"argument {option[0]}" in capsys.readouterr().err


@pytest.mark.parametrize("table", OF_ONE_TARGET)
def test_a_table_of_one_data_set_refuses_several(folder, capsys, table):
    with pytest.raises(SystemExit) as stop:
        main(command(folder, table, "--targets", "utkinect", "kard"))
    assert stop.value.code == 2
    assert f"{table} is made of one data set" in capsys.readouterr().err


def test_reports_of_different_data_sets_lie_beside_each_other(folder, monkeypatch):
    monkeypatch.setattr(transfer, "PARTS", (1.0,))
    assert main(command(folder, "scale", "--targets", "msr_action3d")) == 0
    assert main(command(folder, "scale")) == 0
    assert reports(folder) == ["table14-scale", "table14-scale-msr_action3d"]
    assert "a part of utkinect's" in (folder / "out" / "table14-scale.md").read_text()


def test_names_of_reports_say_which_data_sets_unless_they_are_the_usual_ones():
    assert files_of("table", ("b", "a"), ("a", "b")) == "table"
    assert files_of("table", ("a",), ("a", "b")) == "table-a"
    assert files_of("table", ("c", "a"), ("a", "b")) == "table-c-a"


def interrupt(monkeypatch, rows):
    """Let tables be interrupted when they are about to add a row to so many; returns what they add."""
    add, added = Report.add, []

    def only_so_many(report, label, *row, **more):
        if len(report.rows) == rows:
            raise KeyboardInterrupt
        added.append(label)
        add(report, label, *row, **more)

    monkeypatch.setattr(Report, "add", only_so_many)
    return added


def in_out(folder, pattern):
    return {p.name: p.read_text() for p in sorted((folder / "out").glob(pattern))}


@pytest.mark.parametrize("table", TABLES)
def test_an_interrupted_table_goes_on_after_its_finished_rows(folder, monkeypatch, capsys, table):
    given = command(folder, table, "--targets", "utkinect")
    assert main(given) == 0
    whole = in_out(folder, "*")
    with monkeypatch.context() as patch:
        interrupt(patch, 1)
        assert main(given) == 130
    assert f"finished rows are kept in {folder / 'out'}" in capsys.readouterr().err
    assert whole.items() < in_out(folder, "*").items()  # the finished table is as it was
    for kept in in_out(folder, "*.unfinished.json").values():
        assert len(json.loads(kept)["rows"]) == 1

    added = interrupt(monkeypatch, 100)
    assert main(given) == 0
    first = {json.loads(text)["rows"][0]["label"] for name, text in whole.items() if name.endswith(".json")}
    assert added
    assert not first & set(added)
    again = in_out(folder, "*")
    if table == "transfer":  # has a column of times
        whole, again = ({n: untimed(t) for n, t in files.items() if n.endswith("json")} for files in (whole, again))
    assert again == whole


def untimed(text):
    data = json.loads(text)
    return [(row["label"], row["cells"][:-1]) for row in data["rows"]]


@pytest.mark.parametrize("other", ["seeds", "data", "weights"])
def test_rows_of_other_seeds_data_or_weights_are_not_taken_over(folder, monkeypatch, other):
    given = command(folder, "scale", "--targets", "utkinect")
    with monkeypatch.context() as patch:
        interrupt(patch, 2)
        assert main(given) == 130
    if other == "seeds":
        given += ["--seeds", "2"]
    elif other == "data":
        write_sensor_set(folder, "utkinect", kept=tuple(range(19, -1, -1)))
    else:
        model = skeleformer(5, None, seed=1)
        model.save_pretrained(folder / "source-full.safetensors")
    added = interrupt(monkeypatch, 100)
    assert main(given) == 0
    assert len(added) == len(transfer.PARTS)


def test_what_is_no_unfinished_table_is_not_taken_for_one(folder):
    for content in ("", "[]", "{}", "null", "\udcff"):
        (folder / "out").mkdir(exist_ok=True)
        (folder / "out" / "t.unfinished.json").write_text(content, errors="surrogateescape")
        report = Report("t", "A title", "Set up so.", ("a",), "python -m x")
        report.resume(folder / "out")
        assert not report.rows


@pytest.mark.parametrize("table", ["source", "pretraining", "structure", "occlusion"])
def test_a_table_that_starts_from_the_encoder_asks_for_it(folder, capsys, table):
    given = command(folder, table)
    at = given.index("--encoder")
    assert main(given[:at] + given[at + 2 :]) == 2
    assert capsys.readouterr().err.endswith("give its checkpoint with --encoder\n")


@pytest.mark.parametrize("table", ["transfer", "joints", "components", "prompts", "scale"])
def test_a_table_without_its_source_model_says_so_before_anything_is_measured(folder, capsys, monkeypatch, table):
    monkeypatch.setattr(Report, "add", None)  # a row would be a TypeError
    (folder / "source-full.safetensors").unlink()
    assert main(command(folder, table, "--targets", "utkinect")) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "source-full.safetensors" in told


@pytest.mark.parametrize(("table", "option"), [("joints", "--out"), ("transfer", "--out"), ("source", "--source")])
def test_a_folder_that_cannot_be_made_is_found_out_at_the_start(folder, capsys, monkeypatch, table, option):
    monkeypatch.setattr(Report, "add", None)  # a row would be a TypeError
    assert main(command(folder, table, option, str(folder / "encoder.ckpt" / "below-a-file"))) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "cannot make the folder" in told


def test_a_report_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot make the folder"):
        Report("t", "A title", "Set up so.", ("a",), "python -m x").write(tmp_path / "file" / "out")


def test_sources_leave_out_every_file_of_a_target():
    assert set(left_out()) == {"utkinect", "msr_action3d", "kard", "jhmdb_train", "jhmdb_train_lightning"}


def features():
    rng = np.random.default_rng(0)
    out = rng.normal(0, 1, (3, 1, 20, 17, 5)).astype(np.float32)
    out[..., 4] = 1
    return out


def test_hidden_joints_are_absent_and_nothing_else_changes():
    hidden = hide_joints((5, 7, 9))(features())
    assert not hidden[:, :, :, [5, 7, 9]].any()
    kept = [j for j in range(17) if j not in (5, 7, 9)]
    np.testing.assert_array_equal(hidden[:, :, :, kept], features()[:, :, :, kept])


def test_hidden_frames_are_one_stretch_and_the_next_frame_has_no_velocity():
    hidden = hide_frames(30, seed=1)(features())
    for window in hidden:
        gone = np.flatnonzero(~(window[0, :, :, 4] > 0).any(-1))
        assert len(gone) == 6
        assert np.array_equal(gone, np.arange(gone[0], gone[0] + 6))
        if gone[-1] + 1 < 20:
            assert not window[0, gone[-1] + 1, :, 2:4].any()
            assert window[0, gone[-1] + 1, :, :2].all()
    np.testing.assert_array_equal(hide_frames(0, seed=1)(features()), features())


def test_random_trees_are_trees_and_unlike_a_body():
    trees = [random_tree(np.random.default_rng(seed)) for seed in range(20)]
    for tree in trees:
        check_parents(tree)
    assert len(set(trees)) == 20
    assert COCO_PARENTS not in trees


def test_shuffling_moves_whole_joints():
    order = np.random.default_rng(0).permutation(17)
    np.testing.assert_array_equal(shuffle_nodes(order)(features())[:, :, :, 3], features()[:, :, :, order[3]])


def toy_task(folder):
    return tasks.load_task(folder, "utkinect")


def test_a_fraction_keeps_the_share_of_each_class(folder):
    half = toy_task(folder).fraction(0.5, seed=0)
    assert sorted(c.label for c in half.source.clips) == [0, 0, 1, 1]
    assert half.steps(4) == half.passes
    least = toy_task(folder).fraction(0.01, seed=0)
    assert sorted(c.label for c in least.source.clips) == [0, 1]


def test_a_trial_learns_and_trains_only_what_the_method_frees(folder):
    task = toy_task(folder)
    task = Task(task.name, task.label_names, task.source, task.held_out, passes=60)
    model = skeleformer(2, None, "linear-probing")
    before = {k: v.clone() for k, v in model.state_dict().items()}
    cost = train(model, task.batches(0, 8), task.steps(8), Budget(batch=8, amp=False), False, 0)
    changed = {k for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert changed
    assert all(k.startswith("head.") for k in changed)
    assert cost.trainable_m < 0.01
    whole = skeleformer(2, None, "full")
    train(whole, task.batches(0, 8), task.steps(8), Budget(batch=8, amp=False), True, 0)
    assert task.accuracy(predictor(whole, False)) == 100


def test_a_schedule_of_another_length_than_its_batches_is_an_error(folder):
    """The last batches would otherwise run at a rate of 0, or the rate never fall."""
    task = toy_task(folder)
    for steps in (task.steps(8) - 1, task.steps(8) + 1):
        with pytest.raises(ValueError, match="zip"):
            train(stgcn(2), task.batches(0, 8), steps, Budget(batch=8, amp=False), False, 0)


@pytest.mark.parametrize("batch", [1, 3, 7, 8, 16])
def test_trials_say_how_many_batches_they_draw(folder, batch):
    flat, deep = toy_task(folder), load_sensor_task(folder, "utkinect", passes=3)
    for task in (flat, deep):
        drawn = [len(labels) for _, labels in task.batches(0, batch)]
        assert len(drawn) == task.steps(batch)
        assert batch == 1 or min(drawn) > 1


def test_the_same_trial_starts_alike_in_two_tables(folder, monkeypatch):
    """From scratch on a target's two-dimensional skeletons, by either network."""
    starts = {"pretraining": [], "joints": []}
    for table, seen in starts.items():

        def note(model, batches, steps, budget, whole, seed, seen=seen):
            first = next(batches)[0].sum()
            seen.append((first, steps, whole, seed, *(float(p.detach().sum()) for p in model.parameters())))
            return Cost(0, 0)

        for module in (run, joints):
            monkeypatch.setattr(module, "train", note)
        assert main(command(folder, table, "--targets", "utkinect", "--seeds", "2")) == 0
    from_scratch = starts["pretraining"][:4]  # two seeds of either network
    assert len(set(from_scratch)) == 4
    assert set(from_scratch) <= set(starts["joints"])


def test_what_does_not_depend_on_the_joints_is_taken_over(tmp_path):
    flat = skeleformer(5, None, seed=1)
    flat.save_pretrained(tmp_path / "flat.safetensors")
    deep = SkeleFormer(SkeleFormerConfig(classes=5, parents=(0,) * 20, coords=3))
    taken = take_over(deep, encoder_weights(tmp_path / "flat.safetensors"))
    assert 0 < taken < len(deep.state_dict())
    key = "spatial.blocks.0.mlp.0.weight"
    torch.testing.assert_close(deep.state_dict()[key], flat.state_dict()[key], atol=1e-3, rtol=1e-3)
    assert take_over(stgcn(5, deep.config.parents, 3), stgcn(5).state_dict()) > 0


def test_sensor_sets_keep_their_joints(folder):
    sensor = load_sensor_task(folder, "utkinect", passes=2)
    assert len(sensor.parents) == 20
    batches = list(sensor.batches(0, 4))
    assert sum(len(labels) for _, labels in batches) == 16
    assert batches[0][0].shape == (4, 1, 16, 20, 7)


def test_a_data_set_without_a_sensors_joints_is_refused_for_the_table_of_them(folder, capsys):
    write_annotations(folder, "jhmdb_train", flat_set())
    assert main(command(folder, "joints", "--targets", "jhmdb_train")) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "joint_names" in told


def flat_set():
    """Skeletons in pixels, as an annotation file."""
    annotations = [
        {"frame_dir": f"{i}", "label": 0, "fps": 30.0, "keypoint": np.full((1, 16, 17, 2), 90.0)} for i in range(4)
    ]
    return {"split": {"train": ["0", "1"], "val": ["2", "3"]}, "label_names": ["stand"], "annotations": annotations}


@pytest.mark.parametrize("names", [[*KINECT[:19], "tail"], KINECT[:19]])
def test_sensor_joints_that_cannot_be_meant_are_refused(folder, names):
    data = pickle.loads((folder / "utkinect.pkl").read_bytes())
    write_annotations(folder, "utkinect", data | {"joint_names": names})
    with pytest.raises(UserError):
        load_sensor_task(folder, "utkinect", passes=1)


def test_rows_say_how_many_joints_there_are(folder):
    without = (3, 7, 11, 15, 19)  # head, hands and feet
    write_sensor_set(folder, "kard", kept=tuple(j for j in range(20) if j not in without))
    assert main(command(folder, "joints", "--targets", "kard")) == 0
    assert reports(folder) == ["table9-joints-kard"]
    rows = json.loads((folder / "out" / "table9-joints-kard.json").read_text())["rows"]
    assert [(r["label"], r["paper"]) for r in rows] == [
        ("15 joints, 3D", [81.5, 90.4]), ("17 joints, 2D -> 15 joints, 3D", [81.6, 92.6]),
        ("17 joints, 2D", [43.3, 57.8]), ("20 joints, 3D -> 17 joints, 2D", [43.3, 57.8]),
    ]  # fmt: skip


def test_sensor_recordings_are_resampled_by_their_true_times(folder):
    """A body that moves at 1 m/s does so in the features too, whatever frames the sensor has left out."""
    usual = 4  # of the sensor's counter, a fifteenth of a second
    index = np.cumsum([0] + [usual] * 5 + [2 * usual] + [usual] * 4 + [20 * usual] + [usual] * 4)
    body = np.repeat(np.c_[STANDING, np.full(20, 2.5)][None], len(index), 0)
    body[..., 0] += (index / usual / 15)[:, None]
    data = pickle.loads((folder / "utkinect.pkl").read_bytes())
    for annotation in data["annotations"]:
        annotation |= {"keypoint": body[None].astype(np.float32), "frame_index": index}
    write_annotations(folder, "utkinect", data)

    task = load_sensor_task(folder, "utkinect", passes=1)
    features = task.features(task.train[0])
    there = np.r_[0:12, 31:36]  # one frame left out is bridged; of twenty nobody knows anything
    assert features.shape == (36, 20, 7)
    assert (features[there, :, -1] == 1).all()
    assert not np.delete(features, there, 0).any()
    first = np.isin(there, (0, 31))
    np.testing.assert_allclose(features[there[~first], :, 3] * HEIGHT_M, 1, atol=1e-3)
    assert not features[there[first], :, 3].any()


def test_report_shows_mean_and_spread(tmp_path):
    report = Report("t", "A title", "Set up so.", ("a", "b"), "python -m x", ("p",))
    report.add("row", [[1.0, 3.0], "text"], (7.5,))
    report.write(tmp_path)
    text = (tmp_path / "t.md").read_text()
    assert "| row | 2.0 ± 1.4 | text | 7.5 |" in text
    assert json.loads((tmp_path / "t.json").read_text())["rows"][0]["cells"] == [[1.0, 3.0], "text"]


def test_source_of_a_task_is_its_training_part(folder):
    task = toy_task(folder)
    assert isinstance(task.source, Source)
    assert not {c.name for c in task.source.clips} & {c.name for c in task.held_out}
