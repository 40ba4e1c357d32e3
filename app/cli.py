"""The command line: what may be asked for, and what is refused at once."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from app import __version__
from app.options import Outputs, RunOptions
from core.command_line import within
from core.errors import UserError

BACKENDS = ("auto", "onnx-cpu", "onnx-cuda", "tensorrt", "tensorrt-rtx", "torch")
POLICIES = ("newest", "all", "paced")

_PROBABILITY = within(float, 0.0, 1.0, "is not a probability between 0 and 1")
_SECONDS = within(float, 0.01, 60.0, "is not a number of seconds between 0.01 and 60")
_PICTURE_RATE = within(float, 0.001, 1000.0, "is not a number of pictures a second between 0.001 and 1000")
_FRAMES = within(int, 1, sys.maxsize, "is not a number above 0")

DESCRIPTION = """\
Label what every person in a video or in front of a camera is doing.

  python -m app --video clip.mp4                  the window
  python -m app --video clip.mp4 --headless --events out.jsonl --save out.mp4
  python -m app bench --video clip.mp4            frames a second, stage times, age of the labels
  python -m app doctor                            what is installed, which engines work here, what to install
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence instead of a usage of twenty lines."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(allow_abbrev=False, **kwargs)

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{message[:1].upper()}{message[1:]}; see {self.prog} --help.")


class _AddSource(argparse.Action):
    """Keeps the sources of all kinds in the order in which they were given."""

    def __call__(self, parser: Any, namespace: Any, value: Any, option: str | None = None) -> None:
        namespace.sources = (*(namespace.sources or ()), value)


def run_parser() -> argparse.ArgumentParser:
    """Options of ``python -m app``."""
    parser = _Parser(
        prog="python -m app", description=DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--version", action="version", version=f"skeleprompt {__version__}")
    _add_sources(parser)
    parser.add_argument("--headless", action="store_true", help="no window; progress and a summary on the terminal")

    out = parser.add_argument_group("outputs", "with several sources, each file is numbered: out-1.mp4, out-2.mp4")
    out.add_argument("--events", type=Path, metavar="FILE", help="JSON lines, one for each person and decision")
    out.add_argument("--save", type=Path, metavar="FILE", help="annotated video (.mp4)")
    out.add_argument("--segments", type=Path, metavar="FILE", help="CSV: who did what from when to when")
    out.add_argument("--stats", type=Path, metavar="FILE", help="JSON: stage times, drops and ages")
    out.add_argument(
        "--publish", action="append", default=[], metavar="URL", help="ws://host:port or mqtt://host/topic"
    )

    _add_models(parser)
    parser.add_argument("--verbose", action="store_true", help="log what happens, not only warnings")
    parser.set_defaults(sources=())
    return parser


def bench_parser() -> argparse.ArgumentParser:
    """Options of ``python -m app bench``."""
    parser = _Parser(prog="python -m app bench", description="Measure the pipeline on a video.")
    _add_sources(parser)
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there as well")
    parser.add_argument("--frames", type=_FRAMES, metavar="N", help="stop after N frames")
    _add_models(parser)
    parser.add_argument("--verbose", action="store_true", help="log what happens, not only warnings")
    parser.set_defaults(sources=())
    return parser


def doctor_parser() -> argparse.ArgumentParser:
    """Options of ``python -m app doctor``."""
    return _Parser(
        prog="python -m app doctor", description="Show what is installed, which engines work here, what to install."
    )


def parse_run(argv: Sequence[str]) -> RunOptions:
    """Parse the options of a run.

    Raises:
        UserError: something is unknown, missing or out of range.
    """
    args = run_parser().parse_args(argv)
    outputs = Outputs(args.events, args.save, args.segments, args.stats, tuple(args.publish))
    return _options(args, headless=args.headless, outputs=outputs)


def parse_bench(argv: Sequence[str]) -> tuple[RunOptions, Path | None, int | None]:
    """Parse the options of a measurement, the file for its metrics and the number of frames to stop after.

    Raises:
        UserError: something is unknown, missing or out of range, or there is not exactly one source.
    """
    args = bench_parser().parse_args(argv)
    options = _options(args, headless=True, outputs=Outputs())
    if len(options.sources) != 1:
        raise UserError("The bench measures one source at a time; name one.")
    return options, args.json, args.frames


def _options(args: argparse.Namespace, *, headless: bool, outputs: Outputs) -> RunOptions:
    if not args.sources:
        raise UserError("Name a source: --video FILE, --camera N, --url ADDRESS or --images DIR.")
    if args.images_fps is not None and not any(isinstance(spec, Path) and os.path.isdir(spec) for spec in args.sources):
        raise UserError("--images-fps says how fast a folder of pictures plays; name one with --images DIR.")
    if args.fps is not None and not any(isinstance(spec, Path) and not os.path.isdir(spec) for spec in args.sources):
        raise UserError("--fps says how fast a video plays; name one with --video FILE.")
    return RunOptions(
        sources=args.sources,
        fps=args.fps,
        images_fps=args.images_fps,
        headless=headless,
        outputs=outputs,
        pose=args.pose,
        pose_weights=args.pose_weights,
        trust_weights=args.trust_weights,
        pose_detector=args.pose_detector,
        model=args.model,
        backend=args.backend,
        policy=args.policy,
        threshold=args.threshold,
        stride_s=args.stride,
        verbose=args.verbose,
    )


def _add_sources(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("sources", "at least one; several run side by side")
    for option, kind, metavar, text in (
        ("--video", Path, "FILE", "video file, .gif included"),
        ("--camera", _camera, "N", "camera number or device"),
        ("--url", _url, "ADDRESS", "stream: rtsp://, http:// ..."),
        ("--images", _folder, "DIR", "folder of pictures, in the order of their names"),
    ):
        group.add_argument(option, type=kind, metavar=metavar, action=_AddSource, dest="sources", help=text)
    group.add_argument(
        "--fps", type=_PICTURE_RATE, metavar="N", help="frames a second of a video, in place of its own time stamps"
    )
    group.add_argument(
        "--images-fps", type=_PICTURE_RATE, metavar="N", help="pictures a second of such a folder (default: 25)"
    )


def _add_models(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("models")
    group.add_argument("--pose", default="movenet", metavar="SPEC", help="movenet, rtmpose:FILE.onnx or mmpose:CONFIG")
    group.add_argument("--pose-weights", type=Path, metavar="FILE", help="weights of an mmpose model")
    group.add_argument("--trust-weights", action="store_true", help="load weights that can run code; see docs/pose.md")
    group.add_argument(
        "--pose-detector",
        metavar="SPEC",
        help="finds people for rtmpose and mmpose: movenet, or rtmdet or yolox FILE.onnx",
    )
    group.add_argument("--model", type=Path, metavar="PATH", help="action model: PATH-spatial.onnx, PATH-temporal.onnx")
    group.add_argument("--backend", default="auto", choices=BACKENDS, help="what runs the networks (default: auto)")
    group.add_argument("--policy", choices=POLICIES, help="all frames, the newest only, or a file paced as if live")
    group.add_argument("--threshold", type=_PROBABILITY, metavar="P", help="show labels at least this probable, 0 to 1")
    group.add_argument("--stride", type=_SECONDS, metavar="S", help="seconds between two decisions about a person")


def _camera(text: str) -> int | str:
    if text.isascii() and text.isdigit():
        return int(text)
    if text.startswith("/dev/video"):
        return text
    raise argparse.ArgumentTypeError(f"{text!r} is no camera number")


def _url(text: str) -> str | Path:
    if "://" not in text:
        # The text is not repeated: it may hold a password.
        raise argparse.ArgumentTypeError("an address begins like rtsp:// or http://")
    if text.lower().startswith("file://"):  # a file like that of --video, which no output may overwrite
        return Path(unquote(urlsplit(text).path))
    return text


def _folder(text: str) -> Path:
    path = Path(text)
    if not path.exists():
        raise argparse.ArgumentTypeError(f"there is no folder {text}")
    return path
