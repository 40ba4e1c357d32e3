"""What was asked for on the command line, checked and typed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

SourceSpec = str | int | Path
"""A camera's number or device, a stream's address, or the path of a video, a picture or a folder of pictures."""

WEBSOCKET_PORT = 8765
DEFAULT_TOPIC = "/skeleprompt/events"
"""What addresses without a port or topic mean; the sinks' own."""


@dataclass(frozen=True, slots=True)
class Outputs:
    """Files and addresses that results go to; None where not asked for.

    Attributes:
        events: JSON lines, one a person and decision.
        save: annotated video.
        segments: CSV of action segments.
        stats: JSON of stage times, drops and ages.
        publish: addresses, ``ws://`` or ``mqtt://``.
    """

    events: Path | None = None
    save: Path | None = None
    segments: Path | None = None
    stats: Path | None = None
    publish: tuple[str, ...] = ()

    def files(self) -> dict[str, Path]:
        """The files by the name of their option."""
        named = {"--events": self.events, "--save": self.save, "--segments": self.segments, "--stats": self.stats}
        return {option: path for option, path in named.items() if path is not None}

    def for_sources(self, count: int) -> tuple[Outputs, ...]:
        """One each for so many sources; numbered where there are several."""
        return tuple(self._numbered(number) for number in range(1, count + 1)) if count > 1 else (self,)

    def _numbered(self, number: int) -> Outputs:
        """``out.mp4`` becomes ``out-2.mp4``."""

        def rename(path: Path | None) -> Path | None:
            return path and path.with_name(f"{path.stem}-{number}{path.suffix}")

        return Outputs(
            rename(self.events), rename(self.save), rename(self.segments), rename(self.stats),
            tuple(numbered_address(address, number) for address in self.publish),
        )  # fmt: skip


def numbered_address(address: str, number: int) -> str:
    """A publisher's address for one of several sources: the next port of a server, a topic below a broker's topic.

    A server at port 0 takes any free one, so it is left at that.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return address  # refused later, with a reason
    if parts.scheme == "ws":
        if port == 0:
            return address
        host = parts.netloc.removesuffix(f":{port}")
        return parts._replace(netloc=f"{host}:{(port or WEBSOCKET_PORT) + number - 1}").geturl()
    return parts._replace(path=f"{parts.path.rstrip('/') or DEFAULT_TOPIC}/{number}").geturl()


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to label.

    Attributes:
        sources: one pipeline each, in the order given.
        fps: frames a second of videos and folders of pictures; None takes a video's own time stamps.
        images_fps: pictures a second of a folder; None takes the pipeline's own.
        headless: without the window.
        outputs: where results go.
        pose, pose_weights: pose estimator and its weights.
        trust_weights: load weights that hold more than numbers, which can run code.
        pose_detector: what finds people for a pose estimator that takes one at a time; None for its own choice.
        model: None for the shipped action model, else a path that both graphs' names begin with.
        backend: what runs the networks.
        policy: None lets the source choose.
        threshold: least probability of a shown label; None takes the model's calibration.
        stride_s: seconds between two decisions of one person; None takes the pipeline's own.
        verbose: log what happens, not only warnings.
    """

    sources: tuple[SourceSpec, ...]
    fps: float | None = None
    images_fps: float | None = None
    headless: bool = False
    outputs: Outputs = Outputs()
    pose: str = "movenet"
    pose_weights: Path | None = None
    trust_weights: bool = False
    pose_detector: str | None = None
    model: Path | None = None
    backend: str = "auto"
    policy: str | None = None
    threshold: float | None = None
    stride_s: float | None = None
    verbose: bool = False
