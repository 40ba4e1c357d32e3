"""Files that are read from start to end: videos, GIFs, folders of pictures."""
