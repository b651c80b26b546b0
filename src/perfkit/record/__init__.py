"""Run files and baselines: what was measured, read and written strictly."""
