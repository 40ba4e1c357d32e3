"""The command line of the engines."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from core.command_line import exit_code, within
from core.errors import EngineError
from engines import export_pose
from engines.files import make_folder, write_whole
from engines.loading import BACKENDS
from engines.names import model_files
from engines.precision import PRECISIONS

MOST = 1024
"""People or threads; far more than is measured, and few enough for any memory."""

_COUNT = within(int, 1, MOST, f"is no whole number from 1 to {MOST}")
_SECONDS = within(float, sys.float_info.min, sys.float_info.max, "is no time above 0 seconds")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, 2 for anything that cannot work, or 130 after Ctrl-C."""
    args = _parser().parse_args(arguments)
    logging.basicConfig(format="%(message)s")
    logging.getLogger("engines").setLevel(logging.INFO if args.verbose else logging.WARNING)
    return exit_code(lambda: args.run(args))


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
    build.add_argument("--precision", choices=("fp16", "fp32"), default="fp16")
    build.add_argument(
        "--compute-capability", metavar="X.Y", help="build for such a GPU without having it (tensorrt-rtx only)"
    )
    build.add_argument("--out", type=Path, metavar="DIR", help="keep the engines here instead of in the user's cache")
    build.set_defaults(run=_build)

    check = commands.add_parser("check", help="every backend that works here against the reference, on real windows")
    check.add_argument("--model", default="skeleformer", metavar="NAME", help="an action model (default: shipped)")
    check.add_argument("--windows", type=Path, metavar="FILE", help="windows to use instead of the bundled ones")
    check.add_argument("--backend", choices=BACKENDS, nargs="+", default=BACKENDS)
    check.add_argument("--json", type=Path, metavar="OUT")
    check.set_defaults(run=_check)

    bench = commands.add_parser("bench", help="times of an action model on the backends that work here")
    bench.add_argument("--model", default="skeleformer", metavar="NAME")
    bench.add_argument("--windows", type=Path, metavar="FILE")
    bench.add_argument("--backend", choices=BACKENDS, nargs="+", default=BACKENDS)
    bench.add_argument("--precision", choices=PRECISIONS, nargs="+", default=PRECISIONS)
    bench.add_argument("--batch", type=_COUNT, nargs="+", default=[1, 2, 4, 8, 16], metavar="N", help="how many people")
    bench.add_argument("--seconds", type=_SECONDS, default=1.0, help="spent on each measurement")
    bench.add_argument("--threads", type=_COUNT, default=1)
    bench.add_argument("--json", type=Path, metavar="OUT")
    bench.set_defaults(run=_bench)

    quantise = commands.add_parser("quantise", help="measure what int8 costs, and offer it if that is little")
    quantise.add_argument("--model", default="skeleformer", metavar="NAME")
    quantise.add_argument("--windows", type=Path, required=True, metavar="FILE", help="labelled windows")
    quantise.set_defaults(run=_quantise)

    pose = commands.add_parser("export-pose", help="an mmpose model as one ONNX file (needs mmpose)")
    export_pose.add_arguments(pose)
    pose.set_defaults(run=export_pose.run)

    return parser


def _build(args: argparse.Namespace) -> int:
    from engines.nvidia.tensorrt_backend import engine_for

    if args.out is not None:
        make_folder(args.out)
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


def _pair(name: str) -> tuple[Path, Path]:
    """Both graphs of an action model."""
    files = model_files(name)
    if len(files) != 2:
        raise EngineError(f"{name} is a single graph: give an action model, such as skeleformer.")
    return files[0], files[1]


def _check(args: argparse.Namespace) -> int:
    from engines.action import parity
    from engines.action.window_set import load_windows

    windows = load_windows(args.windows)
    rows, absent, reference = parity.check_action_model(*_pair(args.model), windows, args.backend)
    sys.stdout.write(f"{len(windows)} windows, reference: {reference} fp32\n\n{parity.table(rows)}\n")
    for name, reason in absent.items():
        sys.stdout.write(f"\n{name} is not available: {reason}")
    sys.stdout.write("\n" if absent else "")
    if args.json is not None:
        write_whole(args.json, (json.dumps([row.as_dict() for row in rows], indent=2) + "\n").encode())
    return 0 if all(row.ok for row in rows) else 1


def _bench(args: argparse.Namespace) -> int:
    from engines.action import bench
    from engines.action.window_set import load_windows

    spatial, temporal = _pair(args.model)
    windows = load_windows(args.windows)
    rows: list[bench.Timing] = []
    summary: list[str] = []
    for backend in args.backend:
        for precision in args.precision:
            if precision == "int8" and backend != "onnx-cpu":
                continue
            try:
                found = bench.bench_action_model(
                    spatial, temporal, windows, backend, precision,
                    batches=args.batch, seconds=args.seconds, threads=args.threads,
                )  # fmt: skip
            except EngineError as error:
                summary.append(f"{backend} {precision}: {error}")
                continue
            rows += found
            faster = bench.ratio(found, "whole", "streaming", args.batch[0])
            summary.append(f"{backend} {precision}: streaming is {faster:.2f} times as fast as recomputing each window")
    paper = ", ".join(f"{fps} {name}" for name, fps in bench.PAPER_FPS.items())
    sys.stdout.write(bench.table(rows) + "\n\n" + "\n".join(summary) + f"\nThe paper's windows a second: {paper}.\n")
    if args.json is not None:
        write_whole(args.json, (json.dumps([row.as_dict() for row in rows], indent=2) + "\n").encode())
    return 0 if rows else 2


def _quantise(args: argparse.Namespace) -> int:
    from engines.action.quantise import quantise
    from engines.action.window_set import load_windows

    path, loss = quantise(*_pair(args.model), load_windows(args.windows))
    sys.stdout.write(
        f"wrote {path}: top-1 {loss.fp32_top1:.2%} in fp32, {loss.int8_top1:.2%} "
        f"in int8 on {loss.windows} windows, {loss.points:.2f} points lost, same label on {loss.agreement:.2%}\n"
    )
    return 0


def _export(args: argparse.Namespace) -> int:
    from engines.action.export import export_skeleformer
    from engines.action.reference import read_weights

    model, metadata = read_weights(args.weights)
    make_folder(args.out)
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
