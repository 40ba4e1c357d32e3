"""The running part of a pipeline: its threads, started once and ended from anywhere."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from pipeline.channel import Channel
from pipeline.sources import FrameSource
from pipeline.stages import PoseStage, RecogniseStage

log = logging.getLogger(__name__)

CLOSE_S = 1.8
"""Longest time that ``close`` waits for the threads; one that hangs in a driver is left behind (it is a daemon)."""


class StageThreads:
    """The stages of one pipeline.

    Args:
        source: ended by ``close``.
        channels: between the stages and behind the last; given up by ``close``.
        stages: by the name of their thread.
        name: of the source.
    """

    def __init__(
        self,
        source: FrameSource,
        channels: tuple[Channel[Any], ...],
        stages: Mapping[str, PoseStage | RecogniseStage],
        name: str,
    ) -> None:
        self._source = source
        self._channels = channels
        self._lock = threading.Lock()
        self._started = False
        self._stages = stages
        self._threads = [
            threading.Thread(target=stage.run, name=f"{what}:{name}", daemon=True) for what, stage in stages.items()
        ]

    def start(self) -> None:
        """Start the threads, if that has not been done and ``close`` neither."""
        with self._lock:
            if not self._started:
                self._started = True
                for thread in self._threads:
                    thread.start()

    def close(self) -> None:
        """End them at once, from any thread. The threads close what they own; if they never ran, that is done here."""
        deadline = time.perf_counter() + CLOSE_S
        for channel in self._channels:
            channel.cancel()
        self._source.close()
        with self._lock:
            never_ran, self._started = not self._started, True
        if never_ran:
            for stage in self._stages.values():
                stage.close()
            return
        for thread in self._threads:  # each lets go what it holds
            if thread is not threading.current_thread():
                thread.join(max(0.0, deadline - time.perf_counter()))
                if thread.is_alive():
                    log.warning("the thread %s does not end and is left behind", thread.name)
