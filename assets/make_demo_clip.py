"""Make ``assets/demo.mp4`` from two source clips: pedestrians crossing a square, then a man shadow-boxing.

    python assets/make_demo_clip.py --clips FOLDER        # needs the extra `video`

FOLDER holds ``pedestrians.mp4`` (768x576) and ``generated_boxing.mp4`` (350x350); NOTICE says where they come from.
Both parts are fitted into one canvas, the rest of it black. Neither is resampled in time: the clip changes its frame
rate at the cut, and people move as fast as they did.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

CANVAS = (640, 480)
TIME_BASE = Fraction(1, 105)  # both frame rates divide it


@dataclass(frozen=True)
class Part:
    """A stretch of a source clip.

    Attributes:
        file: name of the clip.
        rate: frames a second at which it was recorded.
        frames: first frame and the one after the last.
        crop: x, y, width, height in its pixels, or None for the whole picture.
    """

    file: str
    rate: int
    frames: tuple[int, int]
    crop: tuple[int, int, int, int] | None = None


# The crop leaves out people too far away for anybody to say what they do. OpenCV's file plays 10 frames a second of the
# sequence S2.L1 of PETS 2009, which was recorded at about 7: everybody in it hurries.
PARTS = (
    Part("pedestrians.mp4", 7, (88, 160), (290, 84, 448, 336)),
    Part("generated_boxing.mp4", 15, (0, 45)),
)


def fit(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Scale (h, w, 3) to fit into ``size`` (width, height), centred on black."""
    width, height = size
    scale = min(width / image.shape[1], height / image.shape[0])
    w, h = round(image.shape[1] * scale), round(image.shape[0] * scale)
    canvas = np.zeros((height, width, 3), np.uint8)
    x, y = (width - w) // 2, (height - h) // 2
    canvas[y : y + h, x : x + w] = cv2.resize(image, (w, h), interpolation=cv2.INTER_CUBIC)
    return canvas


def main() -> None:
    """Write the clip."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=Path, required=True, help="folder with the source clips")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("demo.mp4"))
    args = parser.parse_args()

    start = 0
    with av.open(str(args.out), "w", options={"movflags": "+faststart"}) as out:
        stream = out.add_stream("libx264", rate=int(1 / TIME_BASE), options={"crf": "23", "preset": "veryslow"})
        stream.width, stream.height = CANVAS
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = TIME_BASE
        for part in PARTS:
            ticks = int(1 / TIME_BASE) // part.rate
            with av.open(str(args.clips / part.file)) as clip:
                for index, frame in enumerate(clip.decode(video=0)):
                    if not part.frames[0] <= index < part.frames[1]:
                        continue
                    image = frame.to_ndarray(format="bgr24")
                    if part.crop:
                        x, y, w, h = part.crop
                        image = image[y : y + h, x : x + w]
                    picture = av.VideoFrame.from_ndarray(fit(image, CANVAS), format="bgr24")
                    picture.time_base = TIME_BASE
                    picture.pts = start + (index - part.frames[0]) * ticks
                    out.mux(stream.encode(picture))
            start += (part.frames[1] - part.frames[0]) * ticks
        out.mux(stream.encode())
    print(f"{args.out}: {start * TIME_BASE} s, {args.out.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
