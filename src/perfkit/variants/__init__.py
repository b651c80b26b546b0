"""How a model is executed: one file a variant, registered by entry points."""
