"""What cannot work, said in one sentence: one root, and a kind for each part of the program."""

from __future__ import annotations


class UserError(Exception):
    """Bad input or a missing part of the machine; the message is shown as it is and the process exits with code 2."""


class SourceError(UserError):
    """A source that cannot be opened or has broken for good; without credentials."""


class PoseError(UserError):
    """A pose model that cannot be used as asked."""


class ModelError(UserError):
    """An action model that cannot be used here."""


class SinkError(UserError):
    """An output that cannot be written (any more)."""


class EngineError(UserError):
    """A network that cannot be loaded, built or run."""


class BackendUnavailable(EngineError):
    """This backend cannot run here (library, driver or device missing); another one may."""


class CalibrationError(UserError):
    """A calibration file or its input that cannot be used."""


class WeightsError(UserError):
    """A weights file that cannot be used; the message names the file, the key and what was expected."""


def first_line(error: BaseException) -> str:
    """Return the first line of another library's message, or its type's name where it says nothing."""
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__
