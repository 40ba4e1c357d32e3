"""The packages that running an mmpose model takes, and which of them are absent."""

from __future__ import annotations

from importlib.util import find_spec

from core.errors import EngineError

INSTALL = "make mmpose (or: pip install 'skeleprompt[train]' && pip install --no-deps -r requirements/mmpose.txt)"
"""How to get them; ``pip install mmpose`` cannot, because some of what it asks for can no longer be built."""

PACKAGES = {
    "torch": "torch", "numpy": "numpy", "scipy": "scipy", "cv2": "opencv-python-headless", "matplotlib": "matplotlib",
    "mmengine": "mmengine", "mmcv": "mmcv-lite", "mmpose": "mmpose", "addict": "addict", "json_tricks": "json-tricks",
    "munkres": "munkres", "platformdirs": "platformdirs", "PIL": "pillow", "rich": "rich", "six": "six",
    "termcolor": "termcolor", "yaml": "pyyaml", "yapf": "yapf",
}  # fmt: skip
"""Module -> the distribution that brings it; everything that mmpose imports and no stand-in replaces."""


def missing_packages() -> tuple[str, ...]:
    """The distributions that are not installed, without importing any."""
    return tuple(distribution for module, distribution in PACKAGES.items() if find_spec(module) is None)


def require() -> None:
    """Do nothing where mmpose can be used.

    Raises:
        EngineError: something is missing; the message names it and how to install it.
    """
    missing = missing_packages()
    if missing:
        raise EngineError(f"mmpose models need {', '.join(missing)}, which is not installed; install with {INSTALL}.")
