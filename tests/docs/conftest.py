"""A host on which the measuring scripts of docs/scripts are tried out: its programs tell what they were asked for."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

SCRIPTS = Path(__file__).resolve().parents[2] / "docs" / "scripts"
PYTHON = """#!/usr/bin/env bash
printf '%s|%s|%s\\n' "$CUDA_VISIBLE_DEVICES" "$*" "$PERFKIT_CACHE" >> "$LOG"
results=
output=
replicates=1
for argument; do
  [[ $previous != --results ]] || results=$argument
  [[ $previous != --replicates ]] || replicates=$argument
  [[ $previous != --output ]] || output=$argument
  previous=$argument
done
case $* in
  *--load*) echo busy > "${4}"; exec sleep 60 ;;
  *"perfkit run"*)
    [[ -z $LOST || $CUDA_VISIBLE_DEVICES != "$LOST" ]] || exit 1
    mkdir -p "$results/runs/now"
    for ((number = 1; number <= replicates; number++)); do touch "$results/runs/now/replicate-$number.json"; done
    exit "${CODE:-10}"
    ;;
  *"perfkit merge"*) [[ -z $MERGED ]] || exit "$MERGED"; mkdir "$output"; exit 10 ;;
  *"perfkit drill"*)
    mkdir -p "$results/drills/now/clean" && touch "$results/drills/now/clean/replicate-1.json"
    exit "${CODE:-0}"
    ;;
  *--benchmark-disable*) mkdir -p "$PERFKIT_CACHE/engines/of-$CUDA_VISIBLE_DEVICES" ;;
  *"perfkit promote"*)
    mkdir -p "$results/baselines" && echo "$*" > "$results/baselines/gpu.json"
    exit "${PROMOTED:-0}"
    ;;
esac
"""
SMI = "#!/usr/bin/env bash\nprintf 'GPU-one\\nGPU-two\\n'\n"


@pytest.fixture
def host(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A copy of the scripts, and programs that say what they were asked for instead of measuring."""
    (tmp_path / "docs").mkdir()
    shutil.copytree(SCRIPTS, tmp_path / "docs" / "scripts", ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in (("python", PYTHON), ("nvidia-smi", SMI)):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def call(script: str, *steps: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PATH": f"{tmp_path}/bin:{os.environ['PATH']}", "LOG": f"{tmp_path}/log"}
        return subprocess.run(
            [f"docs/scripts/{script}", "kept", *steps],
            cwd=tmp_path,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return call
