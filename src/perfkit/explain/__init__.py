"""Two builds layer by layer: which layers are added, lost, retimed or of another precision."""
