"""OpenMMLab's pose models: what they need, where they are, and how they are loaded without trusting their files."""

from engines.openmmlab.needs import INSTALL, missing_packages, require

__all__ = ["INSTALL", "missing_packages", "require"]
