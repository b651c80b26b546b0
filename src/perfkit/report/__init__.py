"""Renderers of a judgement, one a file. They print; the verdicts come from ``judge``."""
