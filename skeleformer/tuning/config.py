"""Tuning methods and their sizes."""

from __future__ import annotations

from dataclasses import dataclass

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
