"""``python -m engines export|build|check|bench``."""

from __future__ import annotations

import sys

from engines.commands import main

if __name__ == "__main__":
    sys.exit(main())
