"""Builds in a child process, with builders that hang, crash or die."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
import time
import warnings
from typing import TYPE_CHECKING

import psutil
import pytest
import torch
from torch import nn

from perfkit.record.facts import BuildFacts
from perfkit.variants import isolated
from perfkit.variants.base import BuildRequest, Built, StoredVariant
from perfkit.variants.build import build_variant
from perfkit.variants.isolated import BuildFailed, ChildResult
from tests.support import program_environment
from tests.variants.requests import PLAIN, SMALL, BuiltNumber, request_for

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.store.engine_store import EngineStore


class Elsewhere(StoredVariant):
    """Its engine is the number of the process that built it."""

    name = "elsewhere"
    cosine_bound = 0.9
    isolated = True

    def key_parts(self, request: BuildRequest) -> dict[str, str]:
        return {"library": "1.0"}

    def build(self, request: BuildRequest) -> Built:
        warnings.warn("returning the original module", stacklevel=1)
        return BuiltNumber(os.getpid(), BuildFacts(build_s=90.0, engine_sha256=request.weights_sha256))

    def save(self, built: Built, folder: Path) -> None:
        assert isinstance(built, BuiltNumber)
        (folder / "number").write_text(str(built.number))

    def load(self, request: BuildRequest, folder: Path, facts: BuildFacts) -> Built:
        return BuiltNumber(float((folder / "number").read_text()), facts)


class Raises(Elsewhere):
    def build(self, request: BuildRequest) -> Built:
        sys.stdout.write("timing tactics\n")
        raise RuntimeError("no kernel for this operator\nand a second line")


class Crashes(Elsewhere):
    def build(self, request: BuildRequest) -> Built:
        sys.stderr.write("[E] something is very wrong\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGSEGV)
        return super().build(request)


class Leaves(Elsewhere):
    def build(self, request: BuildRequest) -> Built:
        os._exit(3)


class Hangs(Elsewhere):
    def build(self, request: BuildRequest) -> Built:
        time.sleep(1000)
        return super().build(request)


class CantSave(Elsewhere):
    def save(self, built: Built, folder: Path) -> None:
        raise OSError("no space left")


@pytest.fixture
def request_(tmp_path: Path) -> BuildRequest:
    return request_for(nn.Sequential(nn.Flatten(), nn.ReLU()).eval(), SMALL, PLAIN, tmp_path)


def builder(built: Built) -> int:
    return int(built.call(torch.ones(1, dtype=torch.float64)))


def test_another_process_builds_and_this_one_loads(request_: BuildRequest, store: EngineStore) -> None:
    first = build_variant(Elsewhere(), request_, store).built
    assert builder(first) not in (1, os.getpid())
    assert first.facts.notes == ["returning the original module"]
    assert first.facts.engine_sha256 == request_.weights_sha256
    later = build_variant(Elsewhere(), request_, store).built
    assert builder(later) == builder(first)
    assert later.facts.from_store is True
    anew = build_variant(Elsewhere(), request_, store, rebuild=True).built
    assert builder(anew) not in (builder(first), os.getpid())


@pytest.mark.parametrize(
    ("variant", "reason"),
    [
        (Raises(), "build failed: RuntimeError: no kernel for this operator"),
        (Crashes(), "build failed: its process was killed by SIGSEGV; its last line: [E] something is very wrong"),
        (Leaves(), "build failed: its process ended with 3 and left nothing"),
        (CantSave(), "build failed: OSError: no space left"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_how_a_build_failed_is_told_in_a_line(
    request_: BuildRequest, store: EngineStore, variant: StoredVariant, reason: str
) -> None:
    with pytest.raises(BuildFailed) as raised:
        build_variant(variant, request_, store)
    assert str(raised.value) == reason
    assert store.entries() == []
    notes = "".join(getattr(raised.value, "__notes__", []))
    assert notes.startswith("The build's last lines:") is not isinstance(variant, Leaves)
    assert ("timing tactics" in notes and "Traceback" in notes) is isinstance(variant, Raises)


def test_a_build_that_hangs_is_ended(request_: BuildRequest, store: EngineStore) -> None:
    request_ = dataclasses.replace(request_, time_limit_s=0.2)
    with pytest.raises(BuildFailed, match=r"^build failed: not done after 0\.2 s, the time limit of a build"):
        build_variant(Hangs(), request_, store)


def test_a_model_that_cant_be_handed_over_is_built_here(request_: BuildRequest, store: EngineStore) -> None:
    model = nn.Sequential(nn.Flatten(), nn.ReLU()).eval()
    model.register_forward_hook(lambda *_: None)
    for _ in range(2):
        built = build_variant(Elsewhere(), dataclasses.replace(request_, model=model), store).built
        assert builder(built) == os.getpid()
        assert built.facts.notes[-1].startswith("built in this process, without a time limit: ")


def test_a_build_does_not_outlive_a_run_that_was_killed(tmp_path: Path) -> None:
    """Nobody would end it, and the next run would build and measure beside it."""
    code = (
        "from pathlib import Path; from torch import nn; "
        "from perfkit.store.engine_store import EngineStore; "
        "from tests.variants.test_isolated import *; "
        "folder = Path(sys.argv[1]); "
        "request = request_for(nn.Flatten().eval(), SMALL, PLAIN, folder); "
        "build_variant(Hangs(), request, EngineStore(folder, 2**30))"
    )
    run = subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], env=program_environment())
    builds: list[psutil.Process] = []
    try:
        while not builds:
            assert run.poll() is None
            builds = [p for p in psutil.Process(run.pid).children() if "perfkit.variants.child" in p.cmdline()]
            time.sleep(0.1)
    finally:
        run.kill()
        run.wait()
    gone, _ = psutil.wait_procs(builds, timeout=60)
    assert gone == builds


class LeavesAnother(Elsewhere):
    """Starts a process, and crashes before that ends."""

    def build(self, request: BuildRequest) -> Built:
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
        (request.cache / "other").write_text(str(other.pid))
        os.kill(os.getpid(), signal.SIGSEGV)
        return super().build(request)


def test_what_a_builder_started_ends_with_it(request_: BuildRequest, store: EngineStore) -> None:
    with pytest.raises(BuildFailed, match="SIGSEGV"):
        build_variant(LeavesAnother(), request_, store)
    number = int((request_.cache / "other").read_text())
    deadline = time.monotonic() + 60
    while psutil.pid_exists(number) and psutil.Process(number).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_build_works_where_the_store_clears_up(
    request_: BuildRequest, store: EngineStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is killed over it leaves a model and pictures; nobody sweeps the folder for temporary files."""
    folders = []
    real = isolated.build_isolated

    def looking(variant: StoredVariant, request: BuildRequest, folder: Path, time_limit_s: float) -> ChildResult:
        folders.append(folder)
        return real(variant, request, folder, time_limit_s)

    monkeypatch.setattr("perfkit.variants.build.build_isolated", looking)
    build_variant(Elsewhere(), request_, store)
    assert folders[0].parent.name == "engines"
    assert not folders[0].exists()
