"""Figures of a run as a JSON file."""

from __future__ import annotations

import json
from typing import Any

from core.errors import UserError
from core.files import WholeFile


def write_figures(file: WholeFile, figures: dict[str, Any]) -> None:
    """Complete a file that was opened for the metrics, at the end of the run.

    Raises:
        UserError: it cannot be written; nothing of it stays behind.
    """
    try:
        file.temporary.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        file.commit()
    except OSError as error:
        file.discard()
        raise UserError(f"{file.path} cannot be written: {error.strerror}") from None
