"""One-off conversion of the published MoveNet weights to the ONNX files in ``models/``; see README.md beside it."""
