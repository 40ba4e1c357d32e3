"""Training windows: cutting, cameras, noise, idle people, sampling."""

from training.windows.cut import clip_features

__all__ = ["clip_features"]
