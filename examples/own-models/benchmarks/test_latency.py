"""Every case of the suite; perfkit brings the fixtures."""


def test_latency(perfkit_case, benchmark):
    """One case: a model, executed as a variant, at one concrete shape."""
    perfkit_case.measure(benchmark)
