"""RTMPose and every other pose model of OpenMMLab."""
