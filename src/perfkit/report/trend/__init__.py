"""The whole history as one report: every series, its changes, and what tonight brought."""
