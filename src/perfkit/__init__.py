"""perfkit: is the speedup that we ship still there?"""

__version__ = "0.1.0"
