"""The history: every run's numbers in one database, to be asked what they were and when they changed."""
