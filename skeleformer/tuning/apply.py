"""Turn a pre-trained SkeleFormer into one that a tuning method trains (section 4.4, table 7)."""

from __future__ import annotations

from typing import TypeVar

from torch import nn

from skeleformer.block import Block, BlockTuner
from skeleformer.config import TuningConfig
from skeleformer.model import SkeleFormer
from skeleformer.prompts.generator import PromptGenerator, SpatialPromptGenerator, TemporalPromptGenerator
from skeleformer.prompts.interaction import (
    AddedPrompts,
    ChannelPrompts,
    ConcatenatedPrompts,
    CrossAttendedPrompts,
    MultipliedPrompts,
    PromptTuner,
)
from skeleformer.tuning.adapter import AdapterTuner
from skeleformer.tuning.lora import add_lora
from skeleformer.tuning.protuning import ProTuner
from skeleformer.tuning.vpt import VPTTuner

Model = TypeVar("Model", bound=SkeleFormer)


def apply_tuning(model: Model, method: str | TuningConfig) -> Model:
    """Add what a method adds and let exactly its parameters learn; the classifier always does.

    Args:
        model: a plain network, changed in place. Load pre-trained weights before; what is added has random values.
        method: one of ``METHODS``, or a configuration of one.

    Returns:
        The same model, its ``tuning`` set. All parameters that the method does not train have ``requires_grad`` False.

    Raises:
        ValueError: the method is unknown, or the model is tuned already.
    """
    config = TuningConfig(method) if isinstance(method, str) else method
    if model.tuning is not None:
        raise ValueError(f"the model is tuned already, by {model.tuning.method}")
    model.requires_grad_(config.method == "full")
    model.head.requires_grad_(True)
    if config.method == "bitfit":
        for name, parameter in model.named_parameters():
            if name.endswith("bias"):
                parameter.requires_grad_(True)
    for blocks, temporal in ((model.spatial.blocks, False), (model.temporal.blocks, True)):
        for index, block in enumerate(blocks):
            assert isinstance(block, Block)
            if config.method == "lora":
                add_lora(block.attention, config.lora_rank)
            elif config.position == "all" or config.prompted_by is None or index == len(blocks) // 2:
                block.tuner = _tuner(model, config, temporal)
            if config.method == "adapter":  # its authors train the layer norms too
                block.norm1.requires_grad_(True)
                block.norm2.requires_grad_(True)
    model.tuning = config
    return model


def _tuner(model: SkeleFormer, config: TuningConfig, temporal: bool) -> BlockTuner | None:
    """The method's part of one layer; None where it adds nothing."""
    sizes = model.config
    width = sizes.dim if temporal else sizes.width
    if config.method == "vpt":
        return VPTTuner(width, config.prompts)
    if config.method == "adapter":
        return AdapterTuner(width, _scaled(config.adapter_width, width, sizes.dim))
    if config.method == "pro-tuning":
        return ProTuner(width, _scaled(config.pro_width, width, sizes.dim), config.pro_kernel)
    if config.prompted_by is not None:
        return _prompt_tuner(config, sizes.dim, width, temporal)
    return None


def _prompt_tuner(config: TuningConfig, dim: int, width: int, temporal: bool) -> PromptTuner:
    generator: PromptGenerator
    if temporal:
        generator = TemporalPromptGenerator(dim, config.temporal_bottleneck, config.prompts, width)
    else:
        generator = SpatialPromptGenerator(dim, config.spatial_bottleneck, config.prompts, width)
    if config.prompted_by == "concatenation":
        return ConcatenatedPrompts(generator)
    if config.prompted_by == "channels":
        return ChannelPrompts(generator, width, config.channel_rank)
    kinds = {"cross-attention": CrossAttendedPrompts, "addition": AddedPrompts, "multiplication": MultipliedPrompts}
    return kinds[config.prompted_by or ""](generator, config.source == "current")


def _scaled(hidden: int, width: int, dim: int) -> int:
    """Hidden units of a layer of ``width``, ``hidden`` being those of a layer of ``dim``."""
    return max(round(hidden * width / dim), 1)


def trainable_parameters(model: nn.Module) -> list[nn.Parameter]:
    """The parameters that learn."""
    return [p for p in model.parameters() if p.requires_grad]
