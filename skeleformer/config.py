"""Sizes of a SkeleFormer and of what a tuning method adds to it."""

from __future__ import annotations

from dataclasses import dataclass

from core.skeleton import COCO_PARENTS, check_parents
from skeleformer.pooling import POOLINGS

__all__ = [
    "COCO_PARENTS", "FUSIONS", "INTERACTIONS", "METHODS", "POSITIONS", "SOURCES", "SkeleFormerConfig", "TuningConfig",
]  # fmt: skip

FUSIONS = ("jemf", "input", "post")
"""How the three streams are brought together: joint-enhanced, before the encoder, or after it (section 4.9)."""

METHODS = (
    "full", "linear-probing", "bitfit", "lora", "vpt", "adapter", "pro-tuning", "skeleton-prompt-without-ca",
    "skeleton-prompt",
)  # fmt: skip
"""The rows of table 7."""

INTERACTIONS = ("cross-attention", "concatenation", "channels", "addition", "multiplication")
"""How prompts meet the pose embedding (tables 12 and 13); ``concatenation`` adds tokens, ``channels`` adds channels."""

POSITIONS = ("all", "middle")
"""Layers that have prompts (table 12): every one, or only the one in the middle of each transformer."""

SOURCES = ("previous", "current")
"""What a prompt generator reads (section 3.4): the output of the previous layer, or the hidden state of its own."""

_MAX_LAYERS = 64  # a file that claims more is damaged


@dataclass(frozen=True)
class SkeleFormerConfig:
    """Everything that determines the shapes of the network's parameters.

    Raises:
        ValueError: sizes that no network can have, said in one sentence.
    """

    classes: int = 60
    parents: tuple[int, ...] = COCO_PARENTS  # parent joint of each joint; the root is its own parent
    coords: int = 2  # 2 for image skeletons, 3 for depth sensors
    width: int = 32  # c: channels a joint; the temporal transformer works on joints * c
    spatial_layers: int = 4
    temporal_layers: int = 4
    heads: int = 8
    mlp_ratio: float = 2.0  # hidden channels of a block's MLP by its width
    frames: int = 32  # learned temporal positions; fewer frames take the newest, more interpolate them
    fusion: str = "jemf"  # one of FUSIONS
    head_hidden: int = 0  # hidden units of the classification MLP; 0 for a linear head
    dropout: float = 0.1  # in the MLPs and before the head
    rate_hz: float = 15.0  # frames a second of the windows
    pooling: str = "mean"  # one of pooling.POOLINGS; the paper's, also where an older file says nothing

    def __post_init__(self) -> None:
        check_parents(self.parents)
        if self.coords not in (2, 3):
            raise ValueError(f"skeletons have 2 or 3 coordinates, not {self.coords}")
        if self.fusion not in FUSIONS:
            raise ValueError(f"fusion is one of {', '.join(FUSIONS)}, not {self.fusion!r}")
        if self.pooling not in POOLINGS:
            raise ValueError(f"pooling is one of {', '.join(POOLINGS)}, not {self.pooling!r}")
        for name in ("classes", "width", "heads", "frames"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is at least 1, not {getattr(self, name)}")
        if not (0 <= self.spatial_layers <= _MAX_LAYERS and 0 <= self.temporal_layers <= _MAX_LAYERS):
            raise ValueError(f"layers are between 0 and {_MAX_LAYERS}")
        if self.width % self.heads:
            raise ValueError(f"width {self.width} cannot be shared by {self.heads} heads")

    @property
    def joints(self) -> int:
        return len(self.parents)

    @property
    def dim(self) -> int:
        """d: width of a frame's embedding, joints * c (544 for COCO-17)."""
        return self.joints * self.width

    @property
    def embedding(self) -> int:
        """Width of a window's embedding, which the head classifies."""
        return self.dim * len(self.pooling.split("+"))

    @property
    def features(self) -> int:
        """Input features a joint: coordinates, velocity, weight."""
        return 2 * self.coords + 1

    @property
    def branches(self) -> int:
        """How often a frame goes through the encoder: once, or once a stream where they are fused after it."""
        return 3 if self.fusion == "post" else 1


@dataclass(frozen=True)
class TuningConfig:
    """A tuning method with its sizes; the defaults give the parameter counts of table 7 where these can be had.

    Raises:
        ValueError: an unknown word, or a combination that makes no sense, said in one sentence.
    """

    method: str = "skeleton-prompt"
    prompts: int = 10  # N: prompt tokens a layer (VPT and skeleton prompts)
    spatial_bottleneck: int = 16  # m of the prompt generators in the spatial transformer
    temporal_bottleneck: int = 12  # m of those in the temporal transformer
    interaction: str = "cross-attention"  # one of INTERACTIONS; of "skeleton-prompt" alone
    position: str = "all"  # one of POSITIONS
    source: str = "previous"  # one of SOURCES
    channel_rank: int = 16  # of the projection that takes the concatenated channels back to the width
    lora_rank: int = 16  # of each of the four projections of an attention
    adapter_width: int = 144  # hidden units of a temporal adapter; spatial ones are smaller as c is to d
    pro_width: int = 368  # hidden channels of a temporal prompt block of Pro-Tuning; spatial ones likewise
    pro_kernel: int = 5  # tokens that its depthwise convolution sees

    def __post_init__(self) -> None:
        for name, allowed in (
            ("method", METHODS), ("interaction", INTERACTIONS), ("position", POSITIONS), ("source", SOURCES)
        ):  # fmt: skip
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name} is one of {', '.join(allowed)}, not {getattr(self, name)!r}")
        for name in (
            "prompts", "spatial_bottleneck", "temporal_bottleneck", "channel_rank", "lora_rank", "adapter_width",
            "pro_width", "pro_kernel",
        ):  # fmt: skip
            if not 1 <= getattr(self, name) <= 4096:
                raise ValueError(f"{name} is between 1 and 4096, not {getattr(self, name)}")
        if self.pro_kernel % 2 == 0:
            raise ValueError(f"pro_kernel is odd, not {self.pro_kernel}")
        if self.prompted_by in ("concatenation", "channels") and self.source == "current":
            raise ValueError(
                "concatenated prompts enter before the layer, so they are made from the output of the previous one"
            )

    @property
    def prompted_by(self) -> str | None:
        """How skeleton prompts meet the pose embedding; None for the other methods."""
        if self.method == "skeleton-prompt-without-ca":
            return "concatenation"
        return self.interaction if self.method == "skeleton-prompt" else None
