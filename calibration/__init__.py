"""What fits a trained model to where it runs."""

from calibration.decide import Calibration
from core.errors import CalibrationError

__all__ = ["Calibration", "CalibrationError"]
