"""What an exported pose model says about itself: how to make its input and how to read its output.

The card travels in the ONNX metadata property ``pose`` as JSON, so that a file needs no configuration beside it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, cast

from core.errors import EngineError

CARD_VERSION = 1
KINDS = ("simcc", "heatmap", "one-stage")


@dataclass(frozen=True, slots=True)
class PoseCard:
    """How a pose network is fed and decoded.

    Attributes:
        kind: ``simcc`` (a distribution along x and one along y a keypoint), ``heatmap`` (one picture a keypoint), both
            for one person's crop; or ``one-stage`` (boxes and keypoints of everybody in the whole picture).
        size: (width, height) of the input in pixels.
        keypoints: names of the keypoints in the order of the output.
        mean, std: the input is (pixel - mean) / std for the three channels, in the order of ``rgb``.
        rgb: the channels are red, green, blue; otherwise blue, green, red.
        padding: a person's box is enlarged by this factor before it is cropped.
        udp: pixels are points on a grid rather than little squares (unbiased data processing, Huang et al., CVPR 2020).
        split_ratio: bins a pixel of the SimCC distributions.
        refine: how a heatmap's maximum is placed between pixels: ``quarter`` (towards the higher neighbour), ``dark``
            (Zhang et al., CVPR 2020) or ``dark-udp``.
        blur: pixels of the Gaussian kernel that smooths a heatmap before ``dark`` and ``dark-udp``.
        shift_heatmap: in a flip test the mirrored heatmap is moved by one pixel.
        score_threshold, nms_iou: people of a one-stage model below the score, or overlapping a surer one more, are left
            out.
    """

    kind: str
    size: tuple[int, int]
    keypoints: tuple[str, ...]
    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    std: tuple[float, float, float] = (58.395, 57.12, 57.375)
    rgb: bool = True
    padding: float = 1.25
    udp: bool = False
    split_ratio: float = 2.0
    refine: str = "quarter"
    blur: int = 11
    shift_heatmap: bool = False
    score_threshold: float = 0.1
    nms_iou: float = 0.65

    def to_metadata(self) -> dict[str, str]:
        """The ONNX metadata properties."""
        return {"pose": json.dumps({"version": CARD_VERSION, **asdict(self)})}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], name: str = "The pose model") -> PoseCard | None:
        """The card of a model file; None for a file that carries none, as models from elsewhere do.

        Raises:
            EngineError: the card was written by a later version, or is damaged.
        """
        if "pose" not in metadata:
            return None
        try:
            content: Any = json.loads(metadata["pose"])
            version = content.pop("version")
            known = {field.name for field in fields(cls)}
            values = {key: tuple(value) if isinstance(value, list) else value for key, value in content.items()}
            if version != CARD_VERSION or not values.keys() <= known:
                raise EngineError(f"{name} was exported by another version of this program: export it again.")
            card = cls(**cast("dict[str, Any]", values))
        except (json.JSONDecodeError, AttributeError, KeyError, TypeError) as error:
            raise EngineError(f"{name} has a damaged description of itself: export it again.") from error
        if card.kind not in KINDS:
            raise EngineError(f"{name} is of the kind '{card.kind}'; this program reads {', '.join(KINDS)}.")
        return card
