"""Fixtures of the pipeline's tests; the folder's helper modules are found because this file is here."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from random_model import LABELS, Exported

from calibration import Calibration
from core.preprocess import PREPROCESS_VERSION, RATE_HZ
from pipeline.recognition.model import ActionModel


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Full-size graphs; the weights are random but larger than at initialisation, so that the labels vary."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    from engines.action.export import export_skeleformer
    from skeleformer.config import SkeleFormerConfig
    from skeleformer.pretrained import SkeleFormer

    torch.manual_seed(5)
    model = SkeleFormer(SkeleFormerConfig(classes=len(LABELS))).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(2.0)
            parameter.copy_(parameter.half().float())  # what the files can hold
    folder = tmp_path_factory.mktemp("model")
    export_skeleformer(model, folder, labels=LABELS, rate_hz=RATE_HZ, preprocess_version=PREPROCESS_VERSION)
    Calibration(1.3, 0.3, "skeleformer").save(folder / "skeleformer.calibration.json")
    return Exported(model, folder)


@pytest.fixture(scope="session")
def action_model(exported: Exported) -> Iterator[ActionModel]:
    """The exported model as the pipeline loads it."""
    model = ActionModel.load(exported.folder, backend="onnx-cpu")
    yield model
    model.close()
