"""``perfkit run --shard``: what CI systems start on several machines, and ``perfkit merge`` puts together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perfkit.catalog.case import Platform
from perfkit.catalog.config import load_config
from perfkit.catalog.plan import make_plan
from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.record.code import code_in
from perfkit.record.read import read_run
from perfkit.record.schema import RunRecord
from perfkit.replicates.request import Request, begin
from tests.projects import MODEL, SMALL, environment, suite, write_project

LABELS = (MODEL, f"{MODEL}@static")
ARGUMENTS = [".", "--perfkit-suite=tiny"]
STATIC = "[profiles.static]\nmin = [1, 3, 64, 64]\nopt = [1, 3, 64, 64]\nmax = [1, 3, 64, 64]\n"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = write_project(tmp_path, suite(["twin"], models=LABELS, shapes=[SMALL], more=STATIC))
    (folder / "test_plain.py").write_text("def test_plain(benchmark):\n    benchmark(len, 'abc')\n")
    monkeypatch.chdir(folder)
    for name, value in environment(folder).items():
        monkeypatch.setenv(name, value)
    return folder


def measure(shard: str, *arguments: str) -> int:
    return main(["run", "--replicates=1", "--baseline=none", f"--shard={shard}", "--", *ARGUMENTS, *arguments])


@pytest.mark.usefixtures("project")
def test_two_shards_make_the_run(capfd: pytest.CaptureFixture[str]) -> None:
    """Every case of the plan once, models whole, and a test that is no case in one of them.

    The second one died before its first case, and is gone on with as what it was.
    """
    folders = []
    died = Request(arguments=ARGUMENTS, replicates=1, repeats=0, baseline="none", code=code_in(Path()), shard="2/2")
    for shard in ("1/2", "2/2"):
        if shard == died.shard:
            begin(Path("results/runs/died"), died)
            assert main(["run", "--resume", "results/runs/died"]) == ExitCode.NOT_JUDGED
        else:
            assert measure(shard) == ExitCode.NOT_JUDGED
        out, err = capfd.readouterr()
        assert f"shard {shard} of a run, 2 of its 4 cases" in out
        (told,) = [line for line in err.splitlines() if "replicates in" in line]
        folder = told.partition(" replicates in ")[2].partition(";")[0]
        assert told.endswith(f"; they are shard {shard}; perfkit merge makes the run of all of them")
        folders.append(folder)
    runs = [read_run(Path(folder, "replicate-1.json")) for folder in folders]
    assert [{o.model for o in run.outcomes if o.variant} for run in runs] == [{LABELS[0]}, {LABELS[1]}]
    assert [[o.model for o in run.outcomes if not o.variant] for run in runs] == [["test_plain.py::test_plain"], []]
    assert all(sample.spent_s for run in runs for sample in run.replicate.samples if sample.variant)
    assert main(["merge", *folders, "--output=results/runs/merged", "--baseline=none"]) == ExitCode.NOT_JUDGED
    plan = make_plan(load_config(Path()), "tiny", Platform.CPU, ["eager-fp32", "twin"])
    data = json.loads(Path("results/runs/merged/replicate-1.json").read_text())
    record = RunRecord.model_validate(data["perfkit"])
    assert tuple(outcome.case for outcome in record.outcomes) == plan.cases()
    assert [shard.models for shard in record.shards] == [[label] for label in LABELS]
    (merged,) = Path("results/runs/merged").iterdir()
    assert len(read_run(merged).replicate.samples) == 5


def test_what_cant_be_divided_is_said_before_anything_is_measured(
    project: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for shard, more, told in (
        ("0/2", (), "--shard '0/2': give which of how many, as 1/3, 2/3 and 3/3"),
        ("1/2", (f"--perfkit-case={MODEL}/twin/{SMALL}",), "--shard: chooses whole models, and --perfkit-case chooses"),
    ):
        assert measure(shard, *more) == ExitCode.USAGE
        (line,) = capfd.readouterr().err.splitlines()
        assert line.startswith(f"perfkit: {told}")
    assert main(["run", "--resume", "--shard=1/2"]) == ExitCode.USAGE
    assert capfd.readouterr().err == "perfkit: --shard: a resumed run keeps its own; leave it out\n"
    assert not (project / "results" / "runs").exists()


@pytest.mark.usefixtures("project")
def test_a_baseline_that_cant_be_read_ends_it(capfd: pytest.CaptureFixture[str]) -> None:
    """Another machine may have read it, and divided otherwise."""
    Path("other/baselines").mkdir(parents=True)
    Path("other/baselines/broken.json").write_text("{")
    arguments = ["--results=other", "--baseline=none", "--shard=2/2", "--", ".", "--perfkit-suite=tiny"]
    assert main(["run", *arguments]) == ExitCode.USAGE
    assert "other/baselines/broken.json: not whole JSON" in capfd.readouterr().err
