"""Pose estimation: people and their keypoints in frames."""

from core.errors import PoseError
from pipeline.pose.base import Observer, PoseEstimator
from pipeline.pose.create import create_pose

__all__ = ["Observer", "PoseError", "PoseEstimator", "create_pose"]
