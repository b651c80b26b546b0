"""The child process of an isolated build: ``python -m perfkit.variants.child FOLDER PARENT``."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path

import torch

from perfkit.catalog.case import Platform
from perfkit.errors import reason_of
from perfkit.variants.building import build_here, save_built
from perfkit.variants.isolated import ENGINE, REQUEST, RESULT, ChildResult

_PARENT_CHECK_S = 1.0


def main(folder: Path, parent: int) -> int:
    """Builds what the folder's request asks for and leaves engine and result; 1 where it built nothing.

    Ends with the process ``parent``, even one that was gone before this began.
    """
    threading.Thread(target=_end_with_parent, args=(parent,), daemon=True).start()
    try:
        result = _build(folder)
    except Exception as error:  # backends raise anything; the parent tells the user
        traceback.print_exc()
        result = ChildResult(reason=reason_of(error))
    scratch = folder / f"{RESULT}.new"
    scratch.write_text(result.model_dump_json(), encoding="utf-8")
    scratch.replace(folder / RESULT)
    return int(result.facts is None)


def _end_with_parent(parent: int) -> None:
    """A builder whose parent was killed would go on without a time limit, beside the builds of the next run."""
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_S)
    os.killpg(0, signal.SIGKILL)


def _build(folder: Path) -> ChildResult:
    # Written by the parent a moment ago; it holds the model itself.
    asked = torch.load(folder / REQUEST, weights_only=False)
    variant, request = asked["variant"], asked["request"]
    torch.set_num_threads(asked["threads"])
    if request.device.type == Platform.CUDA:
        torch.cuda.set_device(request.device)
        torch.backends.cudnn.allow_tf32 = request.tf32
    built = build_here(variant, request)
    save_built(variant, built.built, folder / ENGINE)
    return ChildResult(facts=built.built.facts, peak_build_bytes=built.peak_build_bytes)


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), int(sys.argv[2])))
