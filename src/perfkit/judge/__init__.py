"""From replicates to verdicts: ``compare.judge`` is the way in, ``rule`` the statistics."""
