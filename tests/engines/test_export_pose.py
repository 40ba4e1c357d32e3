"""Exported pose models: one kind after the other, checked against torch, described in the file, built for TensorRT."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import engines
from core.errors import EngineError
from engines.export_pose import export_model, export_pose
from engines.openmmlab.config import SHORT_NAMES, find_config
from engines.pose_card import PoseCard
from tests.openmmlab import random_model, save_checkpoint

pytestmark = [pytest.mark.mmpose, pytest.mark.filterwarnings("ignore:::(mmpose|torch)")]

KINDS = {"rtmpose-t": "simcc", "hrnet-w32": "heatmap", "rtmo-t": "one-stage"}
OUTPUTS = {"simcc": ["simcc_x", "simcc_y"], "heatmap": ["heatmaps"], "one-stage": ["dets", "keypoints"]}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """An fp32 file of each kind."""
    folder = tmp_path_factory.mktemp("exported")
    for name in KINDS:
        export_model(random_model(name), folder / f"{name}.onnx")
    return {name: folder / f"{name}.onnx" for name in KINDS}


@pytest.mark.parametrize("name", sorted(SHORT_NAMES))
def test_every_short_name_is_a_configuration_that_mmpose_ships(name: str) -> None:
    assert find_config(name).is_file()


@pytest.mark.parametrize("name", KINDS)
def test_file_describes_itself_and_takes_any_batch(name: str, exported: dict[str, Path]) -> None:
    with engines.load(exported[name], backend="onnx-cpu") as network:
        card = PoseCard.from_metadata(network.metadata)
        assert card is not None
        assert card.kind == KINDS[name]
        assert len(card.keypoints) == 17
        assert [spec.name for spec in network.outputs] == OUTPUTS[card.kind]
        width, height = card.size
        assert network.inputs[0].shape == (None, 3, height, width)
        one = np.random.default_rng(1).normal(size=(3, 3, height, width)).astype(np.float32)
        together = network.run({"input": one})
        apart = [network.run({"input": one[i : i + 1]}) for i in range(3)]
        for output in OUTPUTS[card.kind][:1]:
            value, other = together[output], np.concatenate([part[output] for part in apart])
            if card.kind == "one-stage":  # rounding may swap two candidates, not change their scores
                value, other = value[..., 4], other[..., 4]
            np.testing.assert_allclose(value, other, atol=2e-3 * np.abs(value).max())


def test_card_holds_what_the_configuration_says(exported: dict[str, Path]) -> None:
    cards = {}
    for name, path in exported.items():
        with engines.load(path, backend="onnx-cpu") as network:
            cards[name] = PoseCard.from_metadata(network.metadata)
    simcc, heatmap, one_stage = (cards[name] for name in KINDS)
    assert simcc is not None
    assert (simcc.size, simcc.split_ratio, simcc.rgb, simcc.padding) == ((192, 256), 2.0, True, 1.25)
    assert heatmap is not None
    assert (heatmap.refine, heatmap.udp, heatmap.shift_heatmap) == ("quarter", False, True)
    assert one_stage is not None
    assert (one_stage.size, one_stage.rgb, one_stage.std, one_stage.nms_iou) == ((416, 416), False, (1, 1, 1), 0.65)


@pytest.mark.parametrize(
    ("config", "refine", "udp"),
    [
        ("td-hm_hrnet-w32_udp-8xb64-210e_coco-256x192", "dark-udp", True),
        ("td-hm_hrnet-w32_dark-8xb64-210e_coco-256x192", "dark", False),
    ],
)
def test_ways_to_refine_a_heatmap(config: str, refine: str, udp: bool) -> None:
    from engines.openmmlab.card import card_of_model

    card = card_of_model(random_model(config))
    assert (card.refine, card.udp) == (refine, udp)


def test_half_precision_file_is_half_the_size_and_close(exported: dict[str, Path], tmp_path: Path) -> None:
    import onnx

    for name in ("rtmpose-t", "rtmo-t"):
        out = tmp_path / f"{name}.onnx"
        _, difference = export_model(random_model(name), out, precision="fp16")
        assert 0 < difference < 5e-2
        assert out.stat().st_size < 0.75 * exported[name].stat().st_size
        model = onnx.load(out)
        types = {value.type.tensor_type.elem_type for value in (*model.graph.input, *model.graph.output)}
        assert types == {onnx.TensorProto.FLOAT}
        assert any(weight.data_type == onnx.TensorProto.FLOAT16 for weight in model.graph.initializer)


def test_models_that_cannot_be_exported_say_why(tmp_path: Path) -> None:
    regress = random_model("td-hm_hrnet-w32_udp-regress-8xb64-210e_coco-256x192")
    with pytest.raises(EngineError, match=r"cannot be exported.*--pose mmpose:CONFIG"):
        export_model(regress, tmp_path / "regress.onnx")
    with pytest.raises(EngineError, match="There is no folder"):
        export_model(random_model("rtmpose-t"), tmp_path / "none" / "m.onnx")
    with pytest.raises(EngineError, match="no precision 'int4'"):
        export_model(random_model("rtmpose-t"), tmp_path / "m.onnx", precision="int4")
    assert list(tmp_path.iterdir()) == []


def test_wrong_export_is_found_and_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from engines.openmmlab import graphs

    real = graphs.CropGraph.forward

    def wrong(self: graphs.CropGraph, crops: torch.Tensor) -> tuple[torch.Tensor, ...]:
        outputs = real(self, crops)
        return tuple(output * 1.1 for output in outputs) if torch.onnx.is_in_onnx_export() else outputs

    monkeypatch.setattr(graphs.CropGraph, "forward", wrong)
    out = tmp_path / "m.onnx"
    out.write_bytes(b"the old file")
    with pytest.raises(EngineError, match="differs from torch"):
        export_model(random_model("rtmpose-t"), out)
    assert out.read_bytes() == b"the old file"
    assert [path.name for path in tmp_path.iterdir()] == ["m.onnx"]


def test_command(tmp_path: Path) -> None:
    weights = save_checkpoint(random_model("rtmpose-t"), tmp_path / "w.pth")
    command = [sys.executable, "-m", "engines", "export-pose", "--config", "rtmpose-t"]
    out = tmp_path / "rtmpose.onnx"
    done = subprocess.run([*command, "--weights", weights, "--out", out], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "simcc, 17 keypoints, input 192x256, fp32" in done.stdout
    assert out.is_file()
    failed = subprocess.run(
        [*command, "--weights", tmp_path / "none.pth", "--out", out], capture_output=True, text=True, timeout=300
    )
    assert failed.returncode == 2
    assert "There is no weights file" in failed.stderr
    assert "Traceback" not in failed.stderr


def test_unsafe_checkpoint_needs_the_opt_in(tmp_path: Path) -> None:
    weights = save_checkpoint(random_model("rtmpose-t"), tmp_path / "w.pth", hook=Path("an object"))
    with pytest.raises(EngineError, match="--trust-weights"):
        export_pose("rtmpose-t", weights, tmp_path / "m.onnx")
    card, _ = export_pose("rtmpose-t", weights, tmp_path / "m.onnx", trusted=True)
    assert card.kind == "simcc"


@pytest.mark.parametrize("name", KINDS)
def test_half_precision_tensorrt_engine_of_each_kind(name: str, exported: dict[str, Path]) -> None:
    """Built ahead of time for a GPU that need not be here."""
    pytest.importorskip("tensorrt_rtx", reason="tensorrt-rtx is not installed")
    import onnx

    from engines.half import to_half
    from engines.nvidia.tensorrt_build import build_engine, default_profile
    from engines.nvidia.tensorrt_library import library

    with engines.load(exported[name], backend="onnx-cpu") as network:
        profile = default_profile({spec.name: spec.shape for spec in network.inputs}, frames=None)
    half = to_half(onnx.load(exported[name])).SerializeToString()
    engine, _ = build_engine(library("tensorrt-rtx"), half, profile, capability="8.6")
    # The weights went in, at half the size; the rest is code.
    assert 0.4 < len(engine) / exported[name].stat().st_size < 0.95
