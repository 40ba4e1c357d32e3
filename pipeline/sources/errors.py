"""The one error of this folder."""

from __future__ import annotations

from pipeline.errors import UserError


class SourceError(UserError):
    """A source that cannot be opened or has broken for good; one sentence, without credentials."""
