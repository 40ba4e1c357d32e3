"""The command that prints the tables."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from small_networks import random_features, small_config

from skeleformer import METHODS, SkeleFormer, apply_tuning, count_flops, count_parameters
from skeleformer.__main__ import main


def test_tables_name_every_method_beside_the_paper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "table.json"
    assert main(["table", "--json", str(out)]) == 0
    printed = capsys.readouterr().out
    rows = {row["name"]: row for row in json.loads(out.read_text())["Tuning methods (table 7)"]}
    assert tuple(rows) == METHODS
    for row in rows.values():
        assert f"| {row['paper']:.2f} |" in printed
        assert row["reason"] in printed
    assert rows["skeleton-prompt"]["folded_flops"] < rows["skeleton-prompt"]["cost"]["flops"]
    assert rows["skeleton-prompt"]["folded_flops"] < 1.02 * rows["full"]["cost"]["flops"]
    assert rows["lora"]["folded_flops"] == rows["full"]["cost"]["flops"]
    assert rows["linear-probing"]["cost"]["trainable"] == 544 * 60 + 60 + 2 * 544


def test_bad_arguments_end_with_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for argv in (["table", "--classes", "0"], ["table", "--frames", "some"], ["chair"]):
        with pytest.raises(SystemExit) as stop:
            main(argv)
        assert stop.value.code == 2
    assert main(["table", "--json", str(tmp_path / "no folder" / "out.json")]) == 2
    assert "cannot write" in capsys.readouterr().err


def test_flops_count_a_multiply_add_as_two() -> None:
    layer = torch.nn.Linear(3, 5, bias=False)
    assert count_flops(layer, torch.ones(4, 3)) == 2 * 4 * 3 * 5
    model = SkeleFormer(small_config()).eval()
    x = random_features(model.config, batch=1, people=1)
    assert count_flops(model, x.repeat(2, 1, 1, 1, 1)) == 2 * count_flops(model, x)
    apply_tuning(model, "linear-probing")
    assert count_parameters(model)[1] == sum(p.numel() for p in model.head.parameters())
