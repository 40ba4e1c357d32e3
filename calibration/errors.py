"""Errors of this package, one sentence each."""


class CalibrationError(Exception):
    """A calibration file or its input cannot be used; the message says why and is fit for a user."""
