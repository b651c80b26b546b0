"""``python -m perfkit`` is ``perfkit``."""

from __future__ import annotations

import sys

from perfkit.cli import main

if __name__ == "__main__":
    sys.exit(main())
