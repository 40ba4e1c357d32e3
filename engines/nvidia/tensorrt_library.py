"""NVIDIA's two libraries with one interface: TensorRT 10.12 to 11, and TensorRT-RTX."""

from __future__ import annotations

import importlib
import logging
import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from core.errors import BackendUnavailable, first_line

log = logging.getLogger(__name__)

OLDEST = (10, 12)
_PACKAGES = {
    "tensorrt": ("tensorrt", "pip install tensorrt"),
    "tensorrt-rtx": ("tensorrt_rtx", "pip install tensorrt-rtx-cu12"),
}


@dataclass(frozen=True)
class Library:
    """An imported library.

    Attributes:
        backend: ``tensorrt`` or ``tensorrt-rtx``.
        trt: the module.
        version: its version; engines of another one cannot be read.
        logger: passes the library's messages on to ``logging`` and remembers the errors.
    """

    backend: str
    trt: Any
    version: str
    logger: Any

    @property
    def name(self) -> str:
        """Name and version, for messages."""
        return f"{self.backend} {self.version}"

    def errors(self) -> str:
        """The errors since the last call, in one line."""
        found, self.logger.errors[:] = list(self.logger.errors), []
        return "; ".join(found) or "no reason was given"

    def capabilities(self) -> dict[str, Any]:
        """Compute capabilities that engines can be built for without such a GPU, by name (``8.6``)."""
        known = getattr(self.trt, "ComputeCapability", None)
        if known is None:
            return {}
        found = {name: re.fullmatch(r"SM(\d+)(\d)", name) for name in known.__members__}
        return {f"{m[1]}.{m[2]}": known.__members__[name] for name, m in found.items() if m}


@cache
def library(backend: str) -> Library:
    """Import a library.

    Raises:
        BackendUnavailable: it is not installed, cannot be loaded, or is too old; the message has the install command.
    """
    module, install = _PACKAGES[backend]
    try:
        trt = importlib.import_module(module)
        version = str(trt.__version__)
        logger = _logger(trt)
    except ImportError as error:
        raise BackendUnavailable(f"The package {module} is not installed: {install}.") from error
    except Exception as error:  # its loader raises many types when a shared library is missing or does not fit
        raise BackendUnavailable(f"The package {module} cannot be loaded: {first_line(error)}") from error
    if backend == "tensorrt" and tuple(int(n) for n in re.findall(r"\d+", version)[:2]) < OLDEST:
        raise BackendUnavailable(f"TensorRT {version} is too old, 10.12 or newer is needed: {install} --upgrade.")
    return Library(backend, trt, version, logger)


def _logger(trt: Any) -> Any:
    severity = trt.ILogger.Severity
    levels = {
        severity.INTERNAL_ERROR: logging.DEBUG,  # becomes part of an exception's message instead
        severity.ERROR: logging.DEBUG,
        severity.WARNING: logging.DEBUG,
        severity.INFO: logging.DEBUG,
    }

    class Logger(trt.ILogger):  # type: ignore[misc]  # the library is known only when it runs
        def __init__(self) -> None:
            trt.ILogger.__init__(self)
            self.errors: list[str] = []

        def log(self, level: Any, message: str) -> None:
            if level in (severity.ERROR, severity.INTERNAL_ERROR):
                self.errors.append(message.strip())
            if level in levels:
                log.log(levels[level], "%s", message.strip())

    return Logger()
