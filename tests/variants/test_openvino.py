from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support import program_environment

ROOT = Path(__file__).parents[2]

SIGNALLED = """
import gc, os, pathlib, signal, sys
from perfkit.variants.registry import load_variant
from tests.variants.requests import FIXED, PLAIN, Tiny, request_for

request = request_for(Tiny().eval(), FIXED, PLAIN, pathlib.Path(sys.argv[1]))
kept = [load_variant("openvino-fp32").build(request) for _ in range(2)]
while kept:
    kept.pop(0).close()
    gc.collect()
signal.signal(signal.SIGCONT, lambda *_: print("heard"))
os.kill(os.getpid(), signal.SIGCONT)
"""


def test_signals_are_heard_after_models_that_were_freed_in_the_order_of_their_builds(tmp_path: Path) -> None:
    """With a Core each the second was left with a signal stack of the first, and this was a segmentation fault."""
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SIGNALLED, str(tmp_path)],
        cwd=ROOT,
        env=program_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (found.returncode, found.stdout) == (0, "heard\n"), found.stderr
