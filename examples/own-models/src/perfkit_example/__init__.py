"""A model, a backend and a metric of our own, for perfkit."""
