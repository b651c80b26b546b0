"""The command line: one command a file, imported only when it is the one that runs."""

from __future__ import annotations

from perfkit.cli.app import main

__all__ = ["main"]
