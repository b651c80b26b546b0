"""Which cases exist: suites, shapes, models, pictures."""
