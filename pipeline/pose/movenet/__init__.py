"""MoveNet: multipose finds people, lightning follows each of them."""
