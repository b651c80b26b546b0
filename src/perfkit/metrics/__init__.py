"""Custom metrics: what a user measures of a case beside its times, registered by an entry point."""
