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

from models import model_path
from pipeline.errors import UserError
from pipeline.preprocess import PREPROCESS_VERSION, RATE_HZ
from skeleformer.model import SkeleFormer
from training.checkpoint import load_checkpoint
from training.datasets import Clip, load_dataset
from training.devices import choose_device
from training.distil import Teacher, load_teachers
from training.evaluate import Evaluation, Predict, clip_probabilities, evaluate
from training.files import require_writable, write_text, write_whole
from training.finetune import FinetuneConfig, finetune, predictor, teach
from training.parallel import first_process
from training.plots import confusion_matrix, require_picture
from training.pretrain import PretrainConfig, pretrain
from training.recipe import IDLE_PART, VIDEO, require_merge
from training.task import Task, own_task, shipped_task


def run_pretrain(args: argparse.Namespace) -> None:
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
    config = FinetuneConfig(
        out=args.out, epochs=args.epochs, windows_per_epoch=args.windows_per_epoch, batch=args.batch, lr=args.lr,
        dropout=args.dropout, frames=args.frames, threads=args.threads, amp=args.amp, seed=args.seed,
        idle_part=IDLE_PART if args.shipped else 0.0, device=args.device, width=args.width, layers=args.layers,
        pooling=args.pooling,
    )  # fmt: skip
    task = _task(args, args.frames, VIDEO if args.with_validation else ())
    encoder, seen = load_encoder(args.encoder, task.words) if args.encoder else (None, ())
    teacher = load_teachers(args.teacher, task.words, choose_device(args.device)) if args.teacher else None
    _train_and_save(config, task, encoder, seen, teacher)


def run_teacher(args: argparse.Namespace) -> None:
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
    _train_and_save(config, task, _starting_weights(start, known, task.words), validation_seen(start))


def _task(args: argparse.Namespace, frames: int, whole: tuple[str, ...] = ()) -> Task:
    """The shipped model's task or that of a user's data set, as the arguments say."""
    return shipped_task(Path(args.shipped), frames, whole) if args.shipped else _own_task(args, frames)


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


def run_convert(args: argparse.Namespace) -> None:
    from training.ntu import read_folder

    require_writable(Path(args.out))
    data = read_folder(Path(args.folder))
    for annotation in data["annotations"]:
        annotation["keypoint"] = annotation["keypoint"].astype(np.float16)
    write_whole(Path(args.out), lambda file: pickle.dump(data, file))
    print(f"{len(data['annotations'])} recordings of {len(data['label_names'])} classes; wrote {args.out}")


def load_encoder(path: str, words: tuple[str, ...]) -> tuple[dict[str, Tensor], tuple[str, ...]]:
    """Weights to start from: a pre-training checkpoint or a saved model; its head too where it has the same words.

    Returns:
        the weights, and the data sets whose validation part they were trained on.

    Raises:
        UserError: the file is neither, or a model whose tuning would be lost.
    """
    if path.endswith(".safetensors"):
        model, known = load_model(path)
        if model.tuning is not None:
            raise UserError(f"{path} is tuned by {model.tuning.method}, which would be lost; start from a plain model")
        return _starting_weights(model, known, words), validation_seen(model)
    state = load_checkpoint(Path(path))
    if state is None or "encoder" not in state:
        raise UserError(f"{path} is no encoder; give the encoder.ckpt that `python -m training pretrain` wrote")
    return {k: v for k, v in state["encoder"].items() if not k.startswith("head.")}, ()


def _starting_weights(model: SkeleFormer, known: tuple[str, ...], words: tuple[str, ...]) -> dict[str, Tensor]:
    """All of a model's weights where it knows the words to be learnt, otherwise all but the classifier's."""
    return {k: v for k, v in model.state_dict().items() if known == words or not k.startswith("head.")}


def validation_seen(model: SkeleFormer) -> tuple[str, ...]:
    """The data sets whose validation part a saved model was trained on."""
    return tuple(json.loads(model.metadata.get("validation_seen", "[]")))


def save_model(model: SkeleFormer, path: Path, words: tuple[str, ...], whole: Sequence[str] = ()) -> None:
    """Write a model with what a pipeline needs to know about it, and the data sets whose validation part it knows."""
    model.save_pretrained(
        path,
        metadata={
            "labels": json.dumps(list(words)), "rate_hz": str(RATE_HZ), "preprocess_version": PREPROCESS_VERSION,
            "frames": str(model.config.frames), "validation_seen": json.dumps(list(whole)),
        },
    )  # fmt: skip


def run_evaluate(args: argparse.Namespace) -> None:
    for path in filter(None, (args.json, args.logits)):
        require_writable(Path(path))
    if args.confusion:
        require_picture(Path(args.confusion))
    torch.set_num_threads(args.threads)
    device = choose_device(args.device)
    model, words = load_model(args.weights)
    model.to(device)
    data = load_dataset(args.data)
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
    from training.card import figures, markdown

    require_writable(Path(args.json))
    torch.set_num_threads(args.threads)
    model, words = load_model(None)
    seen = set(validation_seen(model))
    if seen and not args.twin:
        raise UserError(
            f"the model was trained on the validation part of {', '.join(sorted(seen))}; give the model that was not, "
            "trained in the same way, as --twin"
        )
    twin, known = load_model(args.twin or None)
    if known != words:
        raise UserError(f"{args.twin} knows other words than the model, so it is not its twin")
    if args.twin and seen & set(validation_seen(twin)):
        raise UserError(f"{args.twin} was trained on validation parts too; a twin is trained without --with-validation")
    rows = figures(predictor(model), Path(args.shipped), model.config.frames, predictor(twin), seen)
    calibration = json.loads(model_path("skeleformer.calibration.json").read_text())
    files = sorted(p for p in model_path("").glob("skeleformer*") if p.suffix in (".safetensors", ".onnx"))
    write_text(Path(args.json), json.dumps(rows, indent=2) + "\n")
    write_text(
        model_path("skeleformer.md"),
        markdown(rows, words, calibration, files, "python -m training card --shipped ../shared/data --twin TWIN"),
    )
    for row in rows:
        print(f"{row['data']:22s} {row['split']:10s} {row['n']:4d} clips  top-1 {row['sliding']:.1%}  "
              f"window {row['centre']:.1%}  open {row['open']:.1%}")  # fmt: skip


def run_extract(args: argparse.Namespace) -> None:
    from training.extract import extract

    data = extract(Path(args.videos), Path(args.out), args.pose, args.workers, args.validation)
    found = sum(bool(a["keypoint_score"].any()) for a in data["annotations"])
    print(
        f"{len(data['annotations'])} videos of {len(data['label_names'])} classes, people found in {found}; "
        f"{len(data['split']['train'])} train, {len(data['split']['val'])} val; wrote {args.out}"
    )


def load_model(weights: str | None) -> tuple[SkeleFormer, tuple[str, ...]]:
    """A saved model and its words; the shipped one by default."""
    path = Path(weights) if weights else model_path("skeleformer.safetensors")
    model = SkeleFormer.from_pretrained(path)
    from skeleformer.weights import read_metadata

    words = tuple(json.loads(read_metadata(path).get("labels", "[]")))
    if len(words) != model.config.classes:
        raise UserError(f"{path} names {len(words)} labels for {model.config.classes} classes")
    return model.eval(), words


def write_logits(
    path: Path, predict: Predict, frames: int, clips: Sequence[Clip], merge: tuple[tuple[int, ...], ...], people: int
) -> None:
    """Logits of clips, (N, words), with the words that are right, (N, words): what a calibration is fitted to."""
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
