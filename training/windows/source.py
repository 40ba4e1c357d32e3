"""A data set as training draws from it."""

from __future__ import annotations

from dataclasses import dataclass, field

from training.data.clips import Clip
from training.run.digest import digest
from training.windows.cut import Augmentation


@dataclass(frozen=True)
class Source:
    """Training clips of one data set.

    Attributes:
        name: for logs.
        clips: its training clips.
        merge: for each class of the data set, the words of the model it may be.
        weight: how often its clips are drawn, compared with other sources'.
        augmentation: how windows are disturbed.
        people: how many people of a clip go into one window.
        held: labels of clips whose poses may be held to show a person who does nothing.
        anywhere: any pose of a clip may be held, not only the first or the last.
        walking: labels of clips that show how people walk, for those who stroll in place.
        still: nobody moves in its clips; what does is the pose model's error.
    """

    name: str
    clips: tuple[Clip, ...]
    merge: tuple[tuple[int, ...], ...]
    weight: float = 1.0
    augmentation: Augmentation = field(default_factory=Augmentation)
    people: int = 1
    held: frozenset[int] = frozenset()
    anywhere: bool = False
    walking: frozenset[int] = frozenset()
    still: bool = False

    def words(self) -> tuple[int, ...]:
        """All words that the source's classes map to."""
        return tuple(sorted({w for words in self.merge for w in words}))

    def digest(self) -> str:
        """Tells clips apart, also those of the same names: their labels, times and keypoints."""
        return digest(
            part
            for clip in self.clips
            for part in (f"{clip.name} {clip.label} {clip.keypoints.shape}", clip.times_s, clip.keypoints, clip.scores)
        )
