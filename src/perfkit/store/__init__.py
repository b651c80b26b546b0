"""The engine store: built engines by content, so that a night measures the engine that the last one measured."""
