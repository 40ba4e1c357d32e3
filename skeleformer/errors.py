"""Errors of this package, one sentence each."""


class WeightsError(Exception):
    """A weights file cannot be used; the message names the file, the key and what was expected."""
