"""Rules about the repository itself: who may import whom, what a user's machine needs, one place for the version."""

from __future__ import annotations

import ast
import importlib.metadata
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FOLDERS = ("core", "app", "pipeline", "engines", "calibration", "skeleformer", "training", "models")

MOST_FILES = 15
"""Python files in one folder; more ask for a room of their own."""

TRAINING_ONLY = {"torch", "safetensors", "onnx", "onnxscript", "matplotlib", "skeleformer", "training"}
"""What labelling a video must do without."""

PYTHON_FILES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))


def imports(tree: ast.AST, *, everywhere: bool) -> set[str]:
    """Top-level names of absolute imports; without ``everywhere``, only those that run when the file is imported."""
    found: set[str] = set()
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            found.add(node.module.split(".")[0])
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)) and not everywhere:
            continue
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test) and not everywhere:
            found |= set().union(*(imports(child, everywhere=False) for child in node.orelse), set())
        else:
            found |= imports(node, everywhere=everywhere)
    return found


def parse(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def test_no_files_import_each_other_in_a_circle() -> None:
    """Between folders the contracts in pyproject.toml hold the arrows; this is about files, wherever they are."""
    child = subprocess.run([sys.executable, "-c", CIRCLES, *FOLDERS], capture_output=True, text=True, cwd=ROOT)
    assert child.returncode == 0, child.stderr
    assert child.stdout.split() == []


CIRCLES = """
import sys, grimp, networkx
graph = grimp.build_graph(*sys.argv[1:], cache_dir=None)
arrows = networkx.DiGraph((a, b) for a in graph.modules for b in graph.find_modules_directly_imported_by(a))
print(*(" <-> ".join(sorted(some)) for some in networkx.strongly_connected_components(arrows) if len(some) > 1))
"""


def test_no_folder_is_crowded() -> None:
    folders = [path.parent for path in PYTHON_FILES]
    assert not {str(f.relative_to(ROOT)) for f in folders if folders.count(f) > MOST_FILES}


def test_calibration_needs_numpy_alone_but_for_a_fit() -> None:
    known = {*sys.stdlib_module_names, "calibration", "core", "numpy"}
    for path in (ROOT / "calibration").rglob("*.py"):
        tree = parse(path)
        foreign = imports(tree, everywhere=True) - known - ({"scipy"} if path.name == "fit.py" else set())
        assert not foreign | (imports(tree, everywhere=False) - known), f"{path.name} imports {foreign}"


@pytest.mark.parametrize(
    ("folder", "unwanted"), [("pipeline", TRAINING_ONLY), ("app", TRAINING_ONLY), ("engines", {"skeleformer"})]
)
def test_no_file_that_labels_imports_at_once_what_training_needs(folder: str, unwanted: set[str]) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        at_import = imports(parse(path), everywhere=False) & unwanted
        assert not at_import, f"{path.relative_to(ROOT)} imports {at_import} at once"


RUN_TIME = """
import importlib, json, sys
unwanted, modules = map(json.loads, sys.argv[1:])
for module in modules:
    importlib.import_module(module)
from engines import load
from models import model_path
load(model_path("movenet-lightning.onnx")).close()
print(" ".join(sorted({name.split(".")[0] for name in sys.modules} & set(unwanted))))
"""


def test_labelling_loads_nothing_that_only_training_needs() -> None:
    """Every file of the pipeline and of the app but the window, imported at once, and a network run."""
    paths = [path.relative_to(ROOT).with_suffix("") for path in PYTHON_FILES]
    modules = [".".join(path.parts) for path in paths if path.parts[0] in ("app", "pipeline")]
    modules = [name.removesuffix(".__init__") for name in modules if not name.startswith("app.window")]
    words = [json.dumps([*sorted(TRAINING_ONLY), "PyQt6"]), json.dumps(modules)]
    child = subprocess.run([sys.executable, "-c", RUN_TIME, *words], capture_output=True, text=True, cwd=ROOT)
    assert child.returncode == 0, child.stderr
    assert child.stdout.split() == []


def test_the_version_is_in_one_place() -> None:
    import app

    assert re.fullmatch(r"\d+\.\d+\.\d+", app.__version__)
    written = [
        str(path.relative_to(ROOT))
        for path in [*PYTHON_FILES, ROOT / "pyproject.toml"]
        if re.search(r"^\s*(__version__|version)\s*=\s*[\"']\d", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert written == ["app/__init__.py"]
    try:
        installed = importlib.metadata.version("skeleprompt")
    except importlib.metadata.PackageNotFoundError:
        return  # run from the checkout without installing it
    assert installed == app.__version__, "the installed package is an older one"


def test_no_file_holds_a_machine_s_own_paths() -> None:
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, cwd=ROOT, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    suffixes = {".py", ".md", ".toml", ".txt", ".json", ".sh", ".cfg", ".yml"}
    own_path = re.compile(r"(?<![\w.])/(?:home|root|Users|work)/\w")
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if name and path.suffix in suffixes and path.is_file():
            hit = own_path.search(path.read_text(encoding="utf-8"))
            assert hit is None, f"{name} has {hit.group()}..."


def test_every_shipped_model_has_a_card() -> None:
    for path in (ROOT / "models").iterdir():
        if path.suffix in (".onnx", ".safetensors"):
            cards = {path.with_suffix(".md"), path.with_name(path.name.split("-")[0].split(".")[0] + ".md")}
            assert any(card.is_file() for card in cards), f"{path.name} has no model card"


def test_the_bundled_clip_is_small() -> None:
    assert (ROOT / "assets" / "demo.mp4").stat().st_size < 1_500_000


def test_the_example_in_the_readme_runs(demo_clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert code is not None
    assert '"clip.mp4"' in code.group(1)
    exec(compile(code.group(1).replace('"clip.mp4"', repr(str(demo_clip))), "README.md", "exec"), {})
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 100
    assert any(re.fullmatch(r"\d+\.\d\d s: person \d+ does walk \(\d+%\)", line) for line in lines)


def test_links_in_the_documents_lead_somewhere() -> None:
    for document in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", document.read_text(encoding="utf-8")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}, which is not there"
