"""From a name to an mmpose configuration."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

from core.errors import EngineError, first_line
from engines.openmmlab.needs import require
from engines.openmmlab.standins import standing_in

_COCO = "body_2d_keypoint/topdown_heatmap/coco/td-hm_"
_BODY8 = "body_2d_keypoint/rtmpose/body8/rtmpose-"
_RTMO = "body_2d_keypoint/rtmo/body7/rtmo-"
_RTMW = "wholebody_2d_keypoint/rtmpose/cocktail14/rtmw-"
SHORT_NAMES = {
    "rtmpose-t": f"{_BODY8}t_8xb256-420e_body8-256x192",
    "rtmpose-s": f"{_BODY8}s_8xb256-420e_body8-256x192",
    "rtmpose-m": f"{_BODY8}m_8xb256-420e_body8-256x192",
    "rtmpose-l": f"{_BODY8}l_8xb256-420e_body8-256x192",
    "rtmpose-t-halpe26": f"{_BODY8}t_8xb1024-700e_body8-halpe26-256x192",
    "rtmpose-s-halpe26": f"{_BODY8}s_8xb1024-700e_body8-halpe26-256x192",
    "rtmpose-m-halpe26": f"{_BODY8}m_8xb512-700e_body8-halpe26-256x192",
    "rtmpose-l-halpe26": f"{_BODY8}l_8xb512-700e_body8-halpe26-256x192",
    "rtmpose-m-wholebody": "wholebody_2d_keypoint/rtmpose/coco-wholebody/rtmpose-m_8xb64-270e_coco-wholebody-256x192",
    "rtmpose-l-wholebody": "wholebody_2d_keypoint/rtmpose/coco-wholebody/rtmpose-l_8xb64-270e_coco-wholebody-256x192",
    "rtmw-m": f"{_RTMW}m_8xb1024-270e_cocktail14-256x192",
    "rtmw-l": f"{_RTMW}l_8xb1024-270e_cocktail14-256x192",
    "rtmo-t": f"{_RTMO}t_8xb32-600e_body7-416x416",
    "rtmo-s": f"{_RTMO}s_8xb32-600e_body7-640x640",
    "rtmo-m": f"{_RTMO}m_16xb16-600e_body7-640x640",
    "rtmo-l": f"{_RTMO}l_16xb16-600e_body7-640x640",
    "hrnet-w32": f"{_COCO}hrnet-w32_8xb64-210e_coco-256x192",
    "hrnet-w48": f"{_COCO}hrnet-w48_8xb32-210e_coco-256x192",
}
"""What people call a model -> its configuration inside mmpose. Every other one has the name of its file, without
``.py``."""

FAMILIES = ("body_2d_keypoint", "wholebody_2d_keypoint")
"""Folders of mmpose's configurations that may hold COCO's 17 keypoints."""


def find_config(name: str) -> Path:
    """The configuration file that ``name`` means.

    Args:
        name: a file, one of ``SHORT_NAMES``, or the name of a configuration that mmpose ships.

    Raises:
        EngineError: mmpose is not installed, or nothing has that name; the message lists what is close.
    """
    if name.endswith(".py"):
        if not Path(name).is_file():
            raise EngineError(f"There is no mmpose configuration {name}.")
        return Path(name)
    require()
    folder = _shipped_folder()
    if name in SHORT_NAMES:
        return folder / f"{SHORT_NAMES[name]}.py"
    shipped = {path.stem: path for family in FAMILIES for path in sorted((folder / family).rglob("*.py"))}
    if name in shipped:
        return shipped[name]
    close = difflib.get_close_matches(name, [*SHORT_NAMES, *shipped], n=4, cutoff=0.4) or list(SHORT_NAMES)
    raise EngineError(f"mmpose has no configuration '{name}'; a file, or one of these, would do: {', '.join(close)}.")


def read_config(path: Path) -> Any:
    """Read a configuration file as an ``mmengine.Config``.

    A configuration is a Python program: reading it runs it, so take it from people you trust.

    Raises:
        EngineError: mmpose is not installed, or the file is no configuration.
    """
    require()
    with standing_in():
        from mmengine.config import Config

        try:
            config = Config.fromfile(str(path))
            config.model.type  # noqa: B018 - a configuration without a model has no such attribute
        except Exception as error:  # the file is a program, so anything can go wrong in it
            raise EngineError(f"{path} is no mmpose configuration: {first_line(error)}") from error
    return config


def published_weights(path: Path) -> str | None:
    """Where mmpose says the weights of one of its own configurations can be fetched, if it says so."""
    import yaml

    for metafile in sorted(path.parent.glob("*.yml")):
        content = yaml.safe_load(metafile.read_text(encoding="utf-8"))
        for model in content.get("Models", ()) if isinstance(content, dict) else ():
            if Path(str(model.get("Config", ""))).name == path.name and model.get("Weights"):
                return str(model["Weights"])
    return None


def _shipped_folder() -> Path:
    """Where the installed mmpose keeps its configurations."""
    import importlib.util

    spec = importlib.util.find_spec("mmpose")
    assert spec is not None  # require() has seen it
    assert spec.origin is not None
    root = Path(spec.origin).parent
    for folder in (root / ".mim" / "configs", root.parent / "configs"):  # a wheel; a source checkout
        if folder.is_dir():
            return folder
    raise EngineError("The installed mmpose brings no configurations; name a configuration file.")
