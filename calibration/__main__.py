"""``python -m calibration fit``: temperature and threshold from validation logits."""

from __future__ import annotations

import argparse
import os
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from calibration.fit import check_logits, doubts, fit
from core.command_line import exit_code
from core.errors import CalibrationError
from core.files import file_identity


def main(argv: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, doubts on stderr; 2 refused in a sentence; 130 after Ctrl-C."""
    parser = argparse.ArgumentParser(prog="python -m calibration", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    p = commands.add_parser("fit", help="fit temperature and threshold to validation logits")
    p.add_argument(
        "--logits", required=True, nargs="+", metavar="FILE.npz",
        help="arrays 'logits' (N, C) and 'right' (N, C), as `python -m training evaluate --logits` writes",
    )  # fmt: skip
    p.add_argument("--out", required=True, metavar="FILE.json")
    p.add_argument(
        "--precision",
        type=float,
        default=0.8,
        help="wanted part of right labels among the shown ones (default %(default)s)",
    )
    p.add_argument("--name", default="", help="name of the model, to record")
    args = parser.parse_args(argv)
    return exit_code(lambda: _fit(args))


def _fit(args: argparse.Namespace) -> None:
    if not 0 < args.precision <= 1:
        raise CalibrationError(f"--precision is {args.precision}, but it must lie between 0 and 1")
    if os.path.isdir(args.out):
        raise CalibrationError(f"--out {args.out} is a folder; name a file in it")
    if not os.path.isdir(os.path.dirname(args.out) or "."):
        raise CalibrationError(f"the folder of --out {args.out} does not exist")
    if file_identity(args.out) in map(file_identity, args.logits):
        raise CalibrationError(f"--out {args.out} would overwrite the logits that are read; choose another name")
    pairs = [_load(path) for path in args.logits]
    if len({logits.shape[1:] for logits, _ in pairs}) > 1:
        raise CalibrationError("the files hold logits of models with different numbers of classes")
    logits, right = (np.concatenate(arrays) for arrays in zip(*pairs, strict=True))
    calibration, figures = fit(logits, right, args.precision, args.name)
    calibration.save(args.out, {"data": [Path(f).name for f in args.logits], "precision": args.precision, **figures})
    print(f"temperature {calibration.temperature:.3f}, threshold {calibration.threshold:.3f}")
    for name, value in figures.items():
        print(f"{name:20s} {value:.4g}")
    for doubt in doubts(calibration, figures, args.precision):
        print(f"warning: {doubt}", file=sys.stderr)


def _load(path: str) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    try:
        file = np.load(path, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise CalibrationError(
                f"{path} holds a single array; the arrays 'logits' and 'right' in an .npz are needed"
            )
        with file:
            logits, right = file["logits"], file["right"].astype(bool)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        # numpy's own words for other files name its arguments, and advise to load what may run code.
        reason = (isinstance(error, OSError) and error.strerror) or "it is not a whole .npz with 'logits' and 'right'"
        raise CalibrationError(f"{path} holds no logits: {reason}") from None
    check_logits(logits, right, path)
    return logits, right


if __name__ == "__main__":
    sys.exit(main())
