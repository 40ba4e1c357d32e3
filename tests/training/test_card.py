"""The shipped model's card: written from tiny files, and what is committed of it agrees with itself."""

import hashlib
import json
import re
from unittest.mock import Mock

import pytest
import torch

import models
import training.card
from skeleformer.config import SkeleFormerConfig
from skeleformer.pretrained import SkeleFormer
from skeleformer.weights import read_metadata
from tests.training.toy import ROOT
from tests.training.toy_recipe import PROTOCOLS, VIDEO_FILES, family, write_recipe
from training.__main__ import main
from training.data.vocabulary import LABELS, MERGE
from training.run.saved import save_model

CALIBRATION = {"temperature": 1.5, "threshold": 0.25, "fitted_on": {"windows": 7, "ece": 0.1, "shown": 0.5}}


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def of_one_opinion(path, order, whole):
    """A model that prefers words in this order, whatever it sees."""
    sizes = SkeleFormerConfig(classes=len(LABELS), width=8, spatial_layers=1, temporal_layers=1, frames=8)
    model = SkeleFormer(sizes)
    with torch.no_grad():
        model.head.classifier.weight.zero_()
        for rank, word in enumerate(order):
            model.head.classifier.bias[LABELS.index(word)] = -rank
    save_model(model, path, LABELS, whole)


TWINS = tuple(reversed(LABELS))
"""The twin's preference; the model's is the other way round."""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Tiny data sets in ``data``, a shipped model with its files and an old card in ``models``, and its twin."""
    folder = tmp_path_factory.mktemp("card")
    for name in ("data", "models"):
        (folder / name).mkdir()
    write_recipe(folder / "data")
    of_one_opinion(folder / "models" / "skeleformer.safetensors", LABELS, VIDEO_FILES)
    (folder / "models" / "skeleformer.calibration.json").write_text(json.dumps(CALIBRATION))
    (folder / "models" / "skeleformer-spatial.onnx").write_text("a graph")
    (folder / "models" / "skeleformer.md").write_text("an older card")
    of_one_opinion(folder / "twin.safetensors", TWINS, ())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "_FOLDER", folder / "models")
        yield folder


def card(place, *more):
    return main(["card", "--shipped", str(place / "data"), "--twin", str(place / "twin.safetensors"), "--json",
                 str(place / "out" / "shipped.json"), *more])  # fmt: skip


@pytest.fixture(scope="module")
def written(place):
    """What the command has written of the figures, with the card beside the model."""
    assert card(place) == 0
    return json.loads((place / "out" / "shipped.json").read_text())


def by_hand(file, order):
    """Of a split with as many clips of each class, what part a model is right about that prefers words in this order:
    where it chooses among the set's classes, and among all words."""
    classes = list(MERGE[family(file)].values())
    first = next(words for word in order for words in classes if word in words)
    return classes.count(first) / len(classes), sum(order[0] in words for words in classes) / len(classes)


def test_the_card_shows_what_was_written_of_the_figures(place, written):
    text = (place / "models" / "skeleformer.md").read_text()
    assert written["model"] == sha256(place / "models" / "skeleformer.safetensors")
    assert written["twin"] == sha256(place / "twin.safetensors")
    require_card_of(text, written, place / "models")
    assert "Temperature 1.500, threshold 0.250, fitted on 7 validation windows" in text
    trained = text.split("## Training data")[1]
    assert trained.count("(`all`)") == len(VIDEO_FILES)
    assert "NW-UCLA (`xview_train&xsub_train`)" in trained


def test_real_video_is_measured_by_the_twin_and_the_rest_by_the_model(written):
    rows = written["rows"]
    assert [(row["data"], row["split"]) for row in rows] == [
        (file, validation) for file, pairs in PROTOCOLS.items() for _, validation in pairs
    ]
    for row in rows:
        assert row["twin"] == (row["data"] in VIDEO_FILES)
        closed, opened = by_hand(row["data"], TWINS if row["twin"] else LABELS)
        assert [row["sliding"], row["centre"], row["open"]] == pytest.approx([closed, closed, opened]), row
        assert row["mean_class_accuracy"] == pytest.approx(1 / row["classes"]), "one of them is named rightly"


def test_rows_say_how_many_classes_are_told_apart(written):
    counts = {row["data"]: (row["classes"], row["own_classes"]) for row in written["rows"]}
    assert counts["jhmdb_train"] == (21, 21)
    assert {file: count for file, count in counts.items() if count[0] != count[1]} == {
        "exercise_train": (13, 14), "gtu": (13, 14), "sbu": (7, 8)
    }  # fmt: skip


def test_each_figure_is_measured_in_its_own_way(place, monkeypatch):
    people = set()

    def measured(predict, clips, names, merge, frames, views, of_each, opened):
        people.add((clips[0].name.split("/")[0], of_each))
        top1 = {("sliding", False): 0.1, ("centre", False): 0.2, ("sliding", True): 0.3}[views, opened]
        return Mock(report=lambda: {"n": 5, "top1": top1, "mean_class_accuracy": top1 + 0.05, "per_class": {}})

    monkeypatch.setattr(training.card, "evaluate", measured)
    for row in training.card.figures(Mock(), place / "data", 8, Mock(), ()):
        assert [row[key] for key in ("n", "sliding", "centre", "open")] == [5, 0.1, 0.2, 0.3]
        assert row["mean_class_accuracy"] == pytest.approx(0.15)
    assert {own for own, count in people if count == 2} == {"sbu"}


def test_the_card_names_the_classes_that_count_as_one(place, written):
    text = (place / "models" / "skeleformer.md").read_text()
    told = re.search(r"^\*Classes\*: .*?\.$", text, re.DOTALL | re.MULTILINE).group().replace("\n", " ")
    named = re.findall(r"\*([^*]+)\*", told)[1:]
    merges = [MERGE[family(file)] for file in PROTOCOLS]
    same = {name for merge in merges for name, words in merge.items() if list(merge.values()).count(words) > 1}
    assert sorted(named) == sorted(same)


def test_a_model_that_knows_no_validation_part_needs_no_twin(place, tmp_path, monkeypatch, capsys):
    """Nor does a card that is asked for elsewhere touch the model's folder."""
    folder = tmp_path / "models"
    folder.mkdir()
    monkeypatch.setattr(models, "_FOLDER", folder)
    (folder / "skeleformer.calibration.json").write_text(json.dumps(CALIBRATION))
    of_one_opinion(folder / "skeleformer.safetensors", LABELS, ())
    out = ["--out", str(tmp_path / "card.md"), "--json", str(tmp_path / "shipped.json")]
    assert main(["card", "--shipped", str(place / "data"), *out]) == 0
    assert len(capsys.readouterr().out.splitlines()) == sum(map(len, PROTOCOLS.values()))
    assert {path.suffix for path in folder.iterdir()} == {".json", ".safetensors"}
    written = json.loads((tmp_path / "shipped.json").read_text())
    assert written["twin"] is None
    assert not any(row["twin"] for row in written["rows"])
    assert written["rows"][0]["sliding"] == pytest.approx(by_hand("jhmdb_train", LABELS)[0])
    assert "twin's weights" not in (tmp_path / "card.md").read_text()


def test_a_model_that_knows_validation_parts_needs_a_twin(place, tmp_path, capsys):
    assert main(["card", "--shipped", str(place / "data"), "--json", str(tmp_path / "shipped.json")]) == 2
    assert "give the model that was not, trained in the same way, as --twin" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name",
    [
        "data/kard.pkl", "data/mocap.npz", "twin.safetensors", "models/skeleformer.safetensors",
        "models/skeleformer.calibration.json", "models/skeleformer-spatial.onnx",
    ],
)  # fmt: skip
@pytest.mark.parametrize("option", ["--out", "--json"])
def test_the_card_takes_no_inputs_place(place, capsys, name, option):
    before = (place / name).read_bytes()
    assert card(place, option, str(place / name)) == 2
    assert f"{option} would overwrite" in capsys.readouterr().err
    assert (place / name).read_bytes() == before


def test_card_and_figures_need_two_files(place, capsys):
    assert card(place, "--out", str(place / "out" / "shipped.json")) == 2
    assert "--out and --json both name" in capsys.readouterr().err


def test_figures_do_not_take_the_cards_place(place, tmp_path, capsys):
    old = place / "models" / "skeleformer.md"
    before = old.read_bytes()
    assert card(place, "--out", str(tmp_path / "card.md"), "--json", str(old)) == 2
    assert "--json would overwrite" in capsys.readouterr().err
    assert old.read_bytes() == before


def tables(text):
    """The cells of each row of a document's tables, without the lines below the headings."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|---")]
    return [[cell.strip() for cell in line[1:-1].split("|")] for line in lines]


def require_card_of(text, written, folder):
    """That a card shows what was written of the figures, and the files of the model in a folder."""
    rows = tables(text)
    head = rows.index(["data set", "split", "clips", "classes", "top-1", "mean of classes", "window", "open"])
    shown = rows[head + 1 : head + 1 + len(written["rows"])]
    for row, (title, split, *figures) in zip(written["rows"], shown, strict=True):
        classes = " of ".join(str(count) for count in sorted({row["classes"], row["own_classes"]}))
        parts = [f"{row[key]:.1%}" for key in ("sliding", "mean_class_accuracy", "centre", "open")]
        assert figures == [str(row["n"]), classes, *parts]
        assert (title.endswith("*"), split) == (row["twin"], f"`{row['split']}`")
    assert f"sha256 is `{written['twin']}`" in text
    sums = {name.strip("`"): (int(size.replace(",", "")), digest.strip("`")) for name, size, digest in
            rows[rows.index(["file", "bytes", "sha256"]) + 1 :]}  # fmt: skip
    weights = [path for path in folder.glob("skeleformer*") if path.suffix in (".safetensors", ".onnx")]
    assert sums == {path.name: (path.stat().st_size, sha256(path)) for path in weights}


def committed():
    return json.loads((ROOT / "docs" / "results" / "shipped.json").read_text())


def test_the_committed_card_is_of_the_committed_files_and_figures():
    written = committed()
    require_card_of((ROOT / "models" / "skeleformer.md").read_text(encoding="utf-8"), written, ROOT / "models")
    assert written["model"] == sha256(ROOT / "models" / "skeleformer.safetensors")
    assert written["twin"] != written["model"]
    seen = json.loads(read_metadata(ROOT / "models" / "skeleformer.safetensors")["validation_seen"])
    assert {row["data"] for row in written["rows"] if row["twin"]} == set(seen)


def test_the_files_of_the_shipped_action_model_are_small():
    assert sum(path.stat().st_size for path in (ROOT / "models").glob("skeleformer*")) <= 45_000_000


def percent(part):
    return f"{100 * part:.1f} %"


IN_README = {
    "JHMDB": [("jhmdb_train", "val")], "exercises, falls": [("exercise_train", "val")],
    "NW-UCLA view / subject": [("nw_ucla", "xview_val"), ("nw_ucla", "xsub_val")],
    "UTKinect": [("utkinect", "xsub_val")], "KARD": [("kard", "xsub_val")],
    "MSR Action3D": [("msr_action3d", "xsub_val")],
}  # fmt: skip
"""Columns of the README's table and the splits their figures are of."""


def test_the_readme_shows_the_committed_figures():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = {(row["data"], row["split"]): row for row in committed()["rows"]}
    shown = tables(text)
    at = next(i for i, cells in enumerate(shown) if cells[0].startswith("JHMDB"))
    heads = [re.fullmatch(r"(.*) \((video, )?(\d+)(?: classes)?\)", cell).groups() for cell in shown[at]]
    assert [head for head, _, _ in heads] == list(IN_README)
    for (head, video, classes), cell in zip(heads, shown[at + 1], strict=True):
        of = [rows[split] for split in IN_README[head]]
        assert cell == " / ".join(percent(row["sliding"]) for row in of)
        assert {(row["classes"], row["twin"]) for row in of} == {(int(classes), bool(video))}
    assert f"One model of {len(LABELS)} classes" in text


def test_the_account_of_the_training_shows_the_committed_figures():
    shown = tables((ROOT / "docs" / "training.md").read_text(encoding="utf-8"))
    at = next(i for i, cells in enumerate(shown) if cells[:3] == ["top-1", "hoped for", "shipped"])
    rows = sorted(committed()["rows"], key=lambda row: row["data"] == "exercise_train")  # which are last there
    cells_of_rows = shown[at + 1 : at + len(rows)]  # one row less: JHMDB's two are in one
    assert [figure for cells in cells_of_rows for figure in re.findall(r"[\d.]+ %", cells[2])] == [
        percent(row["sliding"]) for row in rows
    ]


NAMED = {"UTKinect": "utkinect", "KARD": "kard", "DailyActivity3D": "msr_daily", "GTU": "gtu"}


@pytest.mark.parametrize(
    ("document", "files"),
    [
        ("README.md", {file for splits in IN_README.values() for file, _ in splits}),
        ("docs/training.md", set(PROTOCOLS)),
    ],
)
def test_documents_say_where_the_middle_window_alone_has_another_accuracy(document, files):
    text = (ROOT / document).read_text(encoding="utf-8").replace("\n", " ")
    told = re.search(r"the middle window alone has (.*?) and the same on the others", text).group(1)
    differ = {
        row["data"]: percent(row["centre"])
        for row in committed()["rows"]
        if row["data"] in files and row["centre"] != row["sliding"]
    }
    assert {NAMED[name]: figure for figure, name in re.findall(r"([\d.]+ %) on (\w+)", told)} == differ
