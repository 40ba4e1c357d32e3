"""What is drawn into a picture: skeletons, boxes, labels."""
