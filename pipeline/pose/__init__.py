"""Pose estimation: people and their keypoints in frames."""

from core.errors import PoseError
from pipeline.pose.base import PoseEstimator
from pipeline.pose.create import create_pose

Observer = PoseEstimator  # the former name of those that observe, for one release

__all__ = ["Observer", "PoseError", "PoseEstimator", "create_pose"]
