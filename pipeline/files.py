"""Files and their names."""

from __future__ import annotations

import os
from collections.abc import Hashable
from pathlib import Path


def file_identity(path: str | Path) -> Hashable:
    """The same for all names of one file, another one for every other file, and never an error, whatever the name.

    Other spellings, links and hard links name the same file, and so do capital and small letters on some disks. What
    does not exist is known by where it would be.
    """
    try:
        place = os.path.realpath(path)
        found = os.stat(place)
    except ValueError:  # a zero byte, which no file's name has
        return str(path)
    except OSError:  # absent, too long, in a folder that may not be entered
        return place
    return found.st_dev, found.st_ino
