"""Pose estimation: people and their keypoints in frames."""

from pipeline.pose.base import Observer, PoseError, PoseEstimator
from pipeline.pose.create import create_pose

__all__ = ["Observer", "PoseError", "PoseEstimator", "create_pose"]
