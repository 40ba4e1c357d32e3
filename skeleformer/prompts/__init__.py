"""Skeleton prompts (section 3.4)."""

from skeleformer.prompts.generator import PromptGenerator, SpatialPromptGenerator, TemporalPromptGenerator
from skeleformer.prompts.interaction import cross_attention

__all__ = ["PromptGenerator", "SpatialPromptGenerator", "TemporalPromptGenerator", "cross_attention"]
