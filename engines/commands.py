"""The command line of the engines."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from engines import export_pose
from engines.errors import EngineError
from engines.names import model_files
from engines.precision import PRECISIONS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, or 2 for anything that cannot work."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("engines").setLevel(logging.INFO if args.verbose else logging.WARNING)
    try:
        return int(args.run(args) or 0)
    except EngineError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m engines", description=__doc__)
    parser.add_argument("-v", "--verbose", action="store_true", help="log what happens")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    export = commands.add_parser("export", help="safetensors to the two ONNX graphs (needs torch)")
    export.add_argument("--weights", type=Path, required=True, metavar="FILE", help="model.safetensors")
    export.add_argument("--out", type=Path, required=True, metavar="DIR")
    export.add_argument("--name", default="skeleformer", help="the files are NAME-spatial.onnx and NAME-temporal.onnx")
    export.add_argument("--full", action="store_true", help="store the weights in single precision")
    export.set_defaults(run=_export)

    build = commands.add_parser("build", help="ONNX to TensorRT engines, kept in the cache")
    build.add_argument("--model", required=True, metavar="NAME", help="skeleformer, movenet-lightning, or an ONNX file")
    build.add_argument("--backend", choices=("tensorrt", "tensorrt-rtx"), default="tensorrt")
    build.add_argument("--precision", choices=PRECISIONS, default="fp16")
    build.add_argument(
        "--compute-capability", metavar="X.Y", help="build for such a GPU without having it (tensorrt-rtx only)"
    )
    build.add_argument("--out", type=Path, metavar="DIR", help="keep the engines here instead of in the user's cache")
    build.set_defaults(run=_build)

    pose = commands.add_parser("export-pose", help="an mmpose model as one ONNX file (needs mmpose)")
    export_pose.add_arguments(pose)
    pose.set_defaults(run=export_pose.run)

    return parser


def _build(args: argparse.Namespace) -> int:
    from engines.tensorrt_backend import engine_for

    if args.out is not None:
        args.out.mkdir(parents=True, exist_ok=True)
    for path in model_files(args.model):
        engine, file, built = engine_for(
            path,
            args.backend,
            args.precision,
            capability=args.compute_capability,
            folder=args.out,
            progress=ProgressLine(path.stem) if sys.stderr.isatty() else None,
        )
        verb = "built" if built else "already built:"
        key = engine.key
        size = f"{len(engine.plan) / 1e6:.1f} MB"
        sys.stdout.write(f"{verb} {file}, {size}, for {key.gpu}, {key.library} {key.version}\n")
    return 0


class ProgressLine:
    """One line on the terminal that shows how far a build is."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, part: float, phase: str) -> None:
        bar = "#" * int(part * 30)
        end = "\n" if part >= 1.0 else ""
        sys.stderr.write(f"\r{self._name} [{bar:<30}] {part:4.0%} {phase[:40]:<40}{end}")
        sys.stderr.flush()


def _export(args: argparse.Namespace) -> int:
    from engines.export import export_skeleformer
    from engines.reference import read_weights

    model, metadata = read_weights(args.weights)
    args.out.mkdir(parents=True, exist_ok=True)
    paths = export_skeleformer(
        model,
        args.out,
        args.name,
        labels=json.loads(metadata["labels"]),
        rate_hz=float(metadata["rate_hz"]),
        preprocess_version=metadata["preprocess_version"],
        half_storage=not args.full,
    )
    for path in paths:
        sys.stdout.write(f"wrote {path}, {path.stat().st_size / 1e6:.1f} MB\n")
    return 0
