"""What each sub-command of ``python -m training`` does with its arguments."""

from __future__ import annotations

import argparse
import json
import pickle
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from core.errors import UserError
from core.files import refuse_overwriting, require_writable, write_text, write_whole
from models import model_path
from skeleformer.pretrained import SkeleFormer
from training.data.clips import Clip
from training.data.datasets import load_dataset
from training.data.vocabulary import IDLE
from training.evaluate import Evaluation, Predict, clip_probabilities, evaluate
from training.finetune import FinetuneConfig, finetune, predictor, teach
from training.inputs import inputs, refuse_run_over_inputs
from training.pretrain import PretrainConfig, pretrain
from training.recipe import IDLE_PART, VIDEO, require_merge
from training.run.devices import choose_device
from training.run.distil import Teacher, load_teachers
from training.run.parallel import first_process
from training.run.plots import confusion_matrix, require_picture
from training.run.saved import load_encoder, load_model, save_model, starting_weights, validation_seen
from training.soup import soup
from training.task import Task, own_task, shipped_task


def run_pretrain(args: argparse.Namespace) -> None:
    refuse_run_over_inputs(args, "encoder.ckpt", "report.json")
    report = pretrain(
        PretrainConfig(
            data=args.data, out=args.out, epochs=args.epochs, windows_per_epoch=args.windows_per_epoch,
            batch=args.batch, lr=args.lr, lr_decay=args.lr_decay, frames=args.frames, threads=args.threads,
            amp=args.amp, seed=args.seed, device=args.device, dropout=args.dropout, width=args.width,
            layers=args.layers,
        )
    )  # fmt: skip
    if not first_process():
        return
    for name, sources in report.items():
        for source, errors in sources.items():
            print(f"{name:18s} {source:8s} MPJPE {errors['mpjpe_mm']:6.1f} mm   P-MPJPE {errors['p_mpjpe_mm']:6.1f} mm")


def run_finetune(args: argparse.Namespace) -> None:
    refuse_run_over_inputs(args, "model.safetensors")
    config = FinetuneConfig(
        out=args.out, epochs=args.epochs, windows_per_epoch=args.windows_per_epoch, batch=args.batch, lr=args.lr,
        dropout=args.dropout, frames=args.frames, threads=args.threads, amp=args.amp, seed=args.seed,
        idle_part=IDLE_PART if args.shipped else 0.0, device=args.device, width=args.width, layers=args.layers,
        pooling=args.pooling, teaching=args.teaching,
    )  # fmt: skip
    if args.held and not args.shipped:
        raise UserError("--held belongs to --shipped; a data set of your own brings its own class for doing nothing")
    task = _task(args, args.frames, VIDEO if args.with_validation else ())
    if args.held:
        task = task.with_held(Path(args.held))
    task = task.with_proportions(args.proportions)
    encoder, seen = load_encoder(args.encoder, task.words) if args.encoder else (None, ())
    teacher = load_teachers(args.teacher, task.words, choose_device(args.device)) if args.teacher else None
    _train_and_save(config, task, encoder, seen, teacher)


def run_teacher(args: argparse.Namespace) -> None:
    refuse_run_over_inputs(args, "teacher.safetensors")
    config = FinetuneConfig(
        out=args.out, epochs=args.epochs, windows_per_epoch=args.windows_per_epoch, batch=args.batch, lr=args.lr,
        head_lr=args.lr, dropout=args.dropout, threads=args.threads, amp=args.amp, seed=args.seed,
        idle_part=IDLE_PART if args.shipped else 0.0, device=args.device, width=args.width,
    )  # fmt: skip
    task = _task(args, config.frames)
    model = teach(config, task.sources, task.words, task.idle, task.validate)
    if first_process():
        target = Path(args.out) / "teacher.safetensors"
        model.save_pretrained(target, task.words)
        print(f"wrote {target}")


def run_tune(args: argparse.Namespace) -> None:
    refuse_run_over_inputs(args, "model.safetensors")
    start, known = load_model(args.weights)
    sizes = start.config
    if start.tuning is not None:
        raise UserError(f"{args.weights} is tuned already, by {start.tuning.method}; start from a plain model")
    if sizes.spatial_layers != sizes.temporal_layers or sizes.fusion != "jemf":
        raise UserError(f"{args.weights} is of another shape than `python -m training finetune` makes")
    config = FinetuneConfig(
        out=args.out, epochs=args.epochs, windows_per_epoch=args.windows_per_epoch, batch=args.batch, lr=args.lr,
        head_lr=args.lr, weight_decay=1e-4, average=0.98, threads=args.threads, amp=args.amp, seed=args.seed,
        idle_part=0.0, device=args.device, dropout=args.dropout, frames=sizes.frames, width=sizes.width,
        layers=sizes.spatial_layers, pooling=sizes.pooling, method=args.method, prompts=args.prompts,
    )  # fmt: skip
    task = _own_task(args, sizes.frames)
    _train_and_save(config, task, starting_weights(start, known, task.words), validation_seen(start))


def _task(args: argparse.Namespace, frames: int, whole: tuple[str, ...] = ()) -> Task:
    """The shipped model's task or that of a user's data set, as the arguments say.

    Raises:
        UserError: the data cannot be read, or an option is given that the other kind of task has.
    """
    if not args.shipped:
        if whole:
            raise UserError("--with-validation belongs to --shipped; give --split all to learn from every clip")
        return _own_task(args, frames)
    if args.split != "train" or args.validate or args.people != 1 or args.no_mirror:
        raise UserError("--split, --validate, --people and --no-mirror belong to --data; a recipe has its own")
    return shipped_task(Path(args.shipped), frames, whole)


def _own_task(args: argparse.Namespace, frames: int) -> Task:
    return own_task(Path(args.data), args.split, args.validate, args.people, frames, 0.0 if args.no_mirror else 0.5)


def _train_and_save(
    config: FinetuneConfig,
    task: Task,
    encoder: dict[str, Tensor] | None,
    seen: Sequence[str],
    teacher: Teacher | None = None,
) -> None:
    """Train; the first process writes ``model.safetensors``, which knows what its start had seen too."""
    model = finetune(config, task.sources, task.words, encoder, task.idle, task.validate, teacher)
    if not first_process():
        return
    target = Path(config.out) / "model.safetensors"
    save_model(model, target, task.words, sorted({*seen, *task.whole}))
    learning = sum(p.numel() for p in model.parameters() if p.requires_grad) / 1e6
    print(f"wrote {target}; {learning:.2f} M parameters learnt")


def run_soup(args: argparse.Namespace) -> None:
    refuse_overwriting([("--out", Path(args.out))], inputs(args))
    require_writable(Path(args.out))
    model, words, seen = soup(args.models)
    save_model(model, Path(args.out), words, seen)
    print(f"wrote {args.out}; the mean of {len(args.models)} models")


def run_convert(args: argparse.Namespace) -> None:
    from training.data.ntu import read_folder

    refuse_overwriting([("--out", Path(args.out))], inputs(args))
    require_writable(Path(args.out))
    data = read_folder(Path(args.folder))
    for annotation in data["annotations"]:
        annotation["keypoint"] = annotation["keypoint"].astype(np.float16)
    write_whole(Path(args.out), lambda file: pickle.dump(data, file))
    print(f"{len(data['annotations'])} recordings of {len(data['label_names'])} classes; wrote {args.out}")


def run_evaluate(args: argparse.Namespace) -> None:
    asked = (("--json", args.json), ("--logits", args.logits), ("--confusion", args.confusion))
    refuse_overwriting([(option, Path(path)) for option, path in asked if path], inputs(args))
    for path in filter(None, (args.json, args.logits)):
        require_writable(Path(path))
    if args.confusion:
        require_picture(Path(args.confusion))
    torch.set_num_threads(args.threads)
    device = choose_device(args.device)
    model, words = load_model(args.weights)
    model.to(device)
    data = load_dataset(args.data, args.fps)
    clips = data.part(args.split)
    merge = require_merge(data, words)
    people = args.people or (2 if all(len(c.keypoints) == 2 for c in clips) else 1)
    predict, frames = predictor(model, args.amp), model.config.frames
    if data.name in validation_seen(model):
        print(f"note: the model was trained on every clip of {data.name}; this is no measure of new ones",
              file=sys.stderr)  # fmt: skip
    result = evaluate(predict, clips, data.label_names, merge, frames, args.views, people, args.open)
    report = result.report()
    if args.json:
        write_text(Path(args.json), json.dumps(report, indent=2) + "\n")
    if args.logits:
        write_logits(Path(args.logits), predict, frames, clips, merge, people)
    if args.confusion:
        confusion_matrix(result, Path(args.confusion))
    print_report(result)


def run_card(args: argparse.Namespace) -> None:
    from training.card import figures, markdown, sha256

    old = model_path("skeleformer.md")  # goes with the model's files, but is not read: a new card takes its place
    refuse_overwriting([("--out", Path(args.out)), ("--json", Path(args.json))], (p for p in inputs(args) if p != old))
    refuse_overwriting([("--json", Path(args.json))], [old])
    for path in (args.out, args.json):
        require_writable(Path(path))
    torch.set_num_threads(args.threads)
    model, words = load_model(None)
    seen = set(validation_seen(model))
    twin = _load_twin(args.twin, words, seen)
    rows = figures(predictor(model), Path(args.shipped), model.config.frames, predictor(twin), seen)
    calibration = json.loads(model_path("skeleformer.calibration.json").read_text())
    files = sorted(p for p in model_path("").glob("skeleformer*") if p.suffix in (".safetensors", ".onnx"))
    weights = {
        "model": sha256(model_path("skeleformer.safetensors")), "twin": sha256(Path(args.twin)) if args.twin else None
    }  # fmt: skip
    command = "python -m training card --shipped ../shared/data --twin TWIN"
    write_text(Path(args.json), json.dumps({**weights, "rows": rows}, indent=2) + "\n")
    write_text(Path(args.out), markdown(rows, words, calibration, files, command, weights["twin"]))
    for row in rows:
        print(f"{row['data']:22s} {row['split']:10s} {row['n']:4d} clips  top-1 {row['sliding']:.1%}  "
              f"window {row['centre']:.1%}  open {row['open']:.1%}")  # fmt: skip


def _load_twin(path: str | None, words: tuple[str, ...], seen: set[str]) -> SkeleFormer:
    """The model to be measured where the shipped one was trained on validation splits: itself where it was not.

    Args:
        path: of the twin, if one is given.
        words: classes of the shipped model.
        seen: data sets whose validation split that model was trained on.

    Raises:
        UserError: a twin is needed and none is given, or it has other classes or was trained on validation splits too.
    """
    if seen and not path:
        raise UserError(
            f"the model was trained on the validation part of {', '.join(sorted(seen))}; give the model that was not, "
            "trained in the same way, as --twin"
        )
    twin, known = load_model(path)
    if known != words:
        raise UserError(f"{path} knows other words than the model, so it is not its twin")
    if path and seen & set(validation_seen(twin)):
        raise UserError(f"{path} was trained on validation parts too; a twin is trained without --with-validation")
    return twin


def run_hold(args: argparse.Namespace) -> None:
    from training.data.held import hold

    count = hold([Path(video) for video in args.videos], Path(args.out) / IDLE, args.pictures, args.seconds)
    print(f"wrote {count} held pictures to {Path(args.out) / IDLE}")


def run_extract(args: argparse.Namespace) -> None:
    from training.data.extract import extract

    data = extract(Path(args.videos), Path(args.out), args.pose, args.workers, args.validation)
    found = sum(bool(a["keypoint_score"].any()) for a in data["annotations"])
    print(
        f"{len(data['annotations'])} videos of {len(data['label_names'])} classes, people found in {found}; "
        f"{len(data['split']['train'])} train, {len(data['split']['val'])} val; wrote {args.out}"
    )


def write_logits(
    path: Path, predict: Predict, frames: int, clips: Sequence[Clip], merge: tuple[tuple[int, ...], ...], people: int
) -> None:
    """Write logits (N, classes) of clips, and which classes are right (N, classes): what a calibration is fitted to."""
    p = clip_probabilities(predict, clips, frames, "centre", people)
    right = np.zeros(p.shape, bool)
    for row, clip in zip(right, clips, strict=True):
        row[list(merge[clip.label])] = True
    logits = np.log(np.maximum(p, 1e-12)).astype(np.float32)
    write_whole(path, lambda file: np.savez_compressed(file, logits=logits, right=right))


def print_report(result: Evaluation) -> None:
    report = result.report()
    for name, value in sorted(report["per_class"].items(), key=lambda item: item[1]):
        print(f"  {value:6.1%}  {name}")
    print(
        f"{report['n']} clips: top-1 {report['top1']:.1%}, top-5 {report['top5']:.1%}, "
        f"mean of classes {report['mean_class_accuracy']:.1%}"
    )
