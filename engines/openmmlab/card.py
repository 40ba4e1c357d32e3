"""From an mmpose model to the card that its export carries."""

from __future__ import annotations

from typing import Any

from core.errors import EngineError
from engines.openmmlab.model import keypoint_names, kind_of
from engines.pose_card import PoseCard


def card_of_model(model: Any) -> PoseCard:
    """Read from the configuration how the model is fed and its output is read.

    Raises:
        EngineError: the model's output cannot be read without mmpose; the message says why.
    """
    preprocessor = model.cfg.model.data_preprocessor
    common: dict[str, Any] = {
        "keypoints": keypoint_names(model),
        "mean": tuple(float(value) for value in preprocessor.get("mean") or (0, 0, 0)),
        "std": tuple(float(value) for value in preprocessor.get("std") or (1, 1, 1)),
        "rgb": bool(preprocessor.get("bgr_to_rgb", False)),
    }
    if kind_of(model) == "one-stage":
        return _one_stage(model, common)
    affine, box = _transform(model, "TopdownAffine"), _transform(model, "GetBBoxCenterScale")
    common |= {
        "size": tuple(int(side) for side in affine["input_size"]),
        "udp": bool(affine.get("use_udp", False)),
        "padding": float(box.get("padding", 1.25)),
    }
    codec: Any = getattr(model.head, "decoder", None)
    if type(codec).__name__ == "SimCCLabel" and not codec.use_dark:
        return PoseCard("simcc", split_ratio=float(codec.simcc_split_ratio), **common)
    common["shift_heatmap"] = bool((model.test_cfg or {}).get("shift_heatmap", False))
    if type(codec).__name__ == "MSRAHeatmap":
        return PoseCard(
            "heatmap", refine="dark" if codec.unbiased else "quarter", blur=int(codec.blur_kernel_size), **common
        )
    if type(codec).__name__ == "UDPHeatmap" and codec.heatmap_type == "gaussian":
        return PoseCard("heatmap", refine="dark-udp", blur=int(codec.blur_kernel_size), **common)
    raise EngineError(
        f"A model whose output is a {type(codec).__name__} in this form cannot be exported, only SimCC and heatmaps; "
        "run it with --pose mmpose:CONFIG instead."
    )


def _one_stage(model: Any, common: dict[str, Any]) -> PoseCard:
    if type(model.head).__name__ != "RTMOHead":
        raise EngineError(
            f"Of the one-stage models only RTMO can be exported, not {type(model.head).__name__}; "
            "run it with --pose mmpose:CONFIG instead."
        )
    test = model.test_cfg
    return PoseCard(
        "one-stage",
        size=tuple(int(side) for side in test["input_size"]),  # type: ignore[arg-type]
        score_threshold=float(test.get("score_thr", 0.01)),
        nms_iou=float(test.get("nms_thr", 1.0)),
        **common,
    )


def _transform(model: Any, kind: str) -> dict[str, Any]:
    """One step of the configuration's test pipeline."""
    for name in ("test_dataloader", "val_dataloader"):
        loader = model.cfg.get(name)
        for step in loader.dataset.pipeline if loader else ():
            if step["type"] == kind:
                return dict(step)
    raise EngineError(f"The configuration's test pipeline has no {kind}, so how its crops are made is not known.")
