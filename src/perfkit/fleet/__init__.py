"""One run over many devices: what is measured where and when, within which time, and by which machines."""
