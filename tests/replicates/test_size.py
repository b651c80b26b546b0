"""How large the file of a replicate is, and what is said of one that is larger than what is read."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pytest_benchmark import cli

from perfkit.exit_codes import ExitCode
from tests.faults.runs import command, instant_project, perfkit, replicate, resuming, run, run_folder

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

MANY_ROUNDS = "import tests.faults.instant as instant\ninstant.ROUNDS = 3000\nfrom tests.faults.instant import *\n"
PLAIN = "\ndef test_plain(benchmark):\n    benchmark.pedantic(int, rounds=5)\n"
LARGE = """
import pytest
@pytest.mark.parametrize("number", [1, 2])
def test_large(benchmark, number):
    benchmark.extra_info["raw"] = "x" * 30_000_000
    benchmark.pedantic(int, rounds=5)
"""
ADDS = "\ndef pytest_benchmark_update_json(output_json):\n    output_json['raw'] = 'x' * 60_000_000\n"


def measured(folder: Path) -> int:
    return (folder / "log.txt").read_text().count("measured")


def test_a_case_takes_few_bytes_a_round_and_the_file_is_still_pytest_benchmarks(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = instant_project(tmp_path, ["variant-1"], models=["one"])
    (folder / "conftest.py").write_text(MANY_ROUNDS)
    with (folder / "test_bench.py").open("a") as file:
        file.write(PLAIN)
    assert run(folder, command()).code == ExitCode.NOT_JUDGED
    path = run_folder(folder) / "replicate-1.json"
    *cases, plain = replicate(folder)["benchmarks"]
    assert path.stat().st_size < 40 * 3000 * len(cases)
    assert len(plain["stats"]["data"]) == 5, "of a test that is no case nothing else has them"
    monkeypatch.setattr("sys.argv", ["pytest-benchmark", "compare", str(path)])
    cli.main()
    told = capsys.readouterr().out
    assert all(entry["name"][:20] in told for entry in (*cases, plain))


def test_what_would_be_too_large_ends_the_run_and_leaves_what_can_be_read(tmp_path: Path) -> None:
    folder = instant_project(tmp_path, ["variant-1"], models=["one"])
    with (folder / "test_bench.py").open("a") as file:
        file.write(LARGE)
    after = run(folder, command())
    assert after.code == ExitCode.USAGE
    why = "replicate-1.journal, with the next record: larger than 50 MiB, more than is read of one; measure fewer"
    assert why in after.out + after.err
    assert len(replicate(folder)["benchmarks"]) == 3
    assert run(folder, perfkit("compare", "none", str(run_folder(folder)))).code == ExitCode.NOT_JUDGED
    resumed = run(folder, resuming())
    assert resumed.code == ExitCode.USAGE
    assert why in resumed.out + resumed.err
    assert measured(folder) == 2


def test_a_replicate_that_is_too_large_isnt_measured_in_vain_again(tmp_path: Path) -> None:
    folder = instant_project(tmp_path, ["variant-1"], models=["one"])
    with (folder / "conftest.py").open("a") as file:
        file.write(ADDS)
    for line in (command(), resuming()):
        after = run(folder, line)
        assert after.code == ExitCode.USAGE
        last = after.err.splitlines()[-1]
        assert last.startswith("perfkit: no replicate was measured: replicate 1 is lost: ")
        assert "larger than 50 MiB, more than is read of one; measure fewer rounds ([measure] max_rounds)" in last
        assert measured(folder) == 2
    assert json.loads((run_folder(folder) / "replicate-1.unreadable").read_text())["benchmarks"]
