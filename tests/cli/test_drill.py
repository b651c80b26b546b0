from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from perfkit.catalog.fault import FaultKind, parse_fault
from perfkit.cli import drill, main
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.record.schema import Outcome, Status
from tests.judge.helpers import HURT
from tests.support import Times, case, make_run, run_data, slowed, usual_times, write_run

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.record.replicate import Run


def test_a_run_is_drilled(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for day in (1, 2, 3):
        write_run(tmp_path / "run", day=day)
    assert main(["drill", "--offline", str(tmp_path / "run")]) == ExitCode.PASS
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["fault", "named"]
    assert "one case slower by 30%                          12 of 12" in lines
    assert lines[-1] == "nothing put in, each of 3 replicates against the others: 0 of 36 cases REGRESSED"
    assert main(["drill", "--offline", str(tmp_path / "run"), "--json"]) == ExitCode.PASS
    told = json.loads(capsys.readouterr().out)
    assert {"fault": "one case slower by 30%", "named": 12, "of": 12, "is_demanded": True, "passed": True} in told[
        "checks"
    ]
    assert (told["replicates"], told["false_alarms"]) == (3, {"cases": 0, "of": 36})


def test_a_judge_that_can_see_nothing_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Two rounds are too few for a verdict, so that nothing would be REGRESSED, ever."""
    path = write_run(tmp_path / "run", rounds=2)
    assert main(["drill", "--offline", str(path)]) == ExitCode.FAIL
    out = capsys.readouterr().out
    assert "can't be trusted" in out
    assert "one replicate: its false alarms can't be told" in out


def test_a_run_without_a_case_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "empty.json"
    path.write_text(json.dumps(run_data({})), encoding="utf-8")
    assert main(["drill", "--offline", str(path)]) == ExitCode.USAGE
    assert capsys.readouterr().err.startswith("perfkit: ")


def test_offline_tries_out_the_projects_own_limits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who tolerates more than a third sees with it that 30% is no regression any more."""
    path = write_run(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    assert main(["drill", "--offline", str(path)]) == ExitCode.PASS
    (tmp_path / "perfkit.toml").write_text(
        '[judging."*"]\nminimum_effect = { "device speedup" = "35%", "device time" = "35%" }\n', encoding="utf-8"
    )
    assert main(["drill", "--offline", str(path)]) == ExitCode.FAIL


def test_offline_puts_the_order_of_variants_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who demands more than a variant has would see nothing named alone, for that one fails with every fault."""
    path = write_run(tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "perfkit.toml").write_text('[judging."*/trt-int8/*"]\nminimum_speed = { "trt-fp16" = "9x" }\n', "utf-8")
    assert main(["drill", "--offline", str(path)]) == ExitCode.PASS


def test_offline_takes_no_arguments_for_pytest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_run(tmp_path / "run")
    assert main(["drill", "--offline", str(path), "--", "benchmarks/"]) == ExitCode.USAGE
    assert "--offline measures nothing" in capsys.readouterr().err


class Nights:
    """In place of pytest in a fresh process: replicates of the usual times with the faults that it was asked for."""

    def __init__(
        self, overlooks: FaultKind | None = None, reason: str = "precision not delivered: 0 of 9", graphs: bool = False
    ) -> None:
        self.overlooks = overlooks
        self.reason = reason
        """Why a case is BROKEN."""
        self.graphs = graphs
        """Whether its INT8 variant is replayed from a graph."""
        self.given: list[list[str]] = []

    def __call__(self, arguments: list[str], path: Path) -> Run:
        self.given.append(arguments)
        faults = [parse_fault(a.partition("=")[2]) for a in arguments if a.startswith("--perfkit-fault=")]
        times, outcomes = dict(with_graphs() if self.graphs else usual_times()), []
        for fault in faults:
            if fault.kind is self.overlooks:
                continue
            reference_s, variant_s = times.pop(fault.case)
            if fault.kind in (FaultKind.SLOW, FaultKind.HOST):
                times[fault.case] = (reference_s, variant_s * (1 + fault.share))
            elif fault.kind is FaultKind.LOST_GRAPH:
                times[fault.case] = (reference_s, variant_s * 1.5)
            else:
                status = Status.NOT_RUN if fault.kind is FaultKind.VANISH else Status.BROKEN
                outcomes.append(Outcome(**fault.case._asdict(), status=status, reason=self.reason))
        return make_run(times, day=len(self.given), outcomes=tuple(outcomes))


def with_graphs() -> Times:
    """The usual times, the INT8 variant's of one replayed from a graph."""
    graph = {"trt-int8": "trt-int8-graph"}
    return {c._replace(variant=graph.get(c.variant, c.variant)): times_s for c, times_s in usual_times().items()}


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    runs = [str(write_run(tmp_path / "runs", day=day)) for day in range(20, 25)]
    assert main(["promote", *runs]) == ExitCode.PASS
    return tmp_path


@pytest.mark.usefixtures("stored")
def test_faults_that_are_really_put_in_are_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nights = Nights()
    monkeypatch.setattr(drill, "measure_replicate", nights)
    assert main(["drill", "--replicates", "2", "--", "benchmarks/", "-q"]) == ExitCode.PASS
    out, err = capsys.readouterr()
    lines = out.splitlines()
    found = {line.split()[0].partition("=")[2]: line.split()[1] for line in lines if "=" in line}
    named = [line.partition("=")[2] for line in err.splitlines() if " was named " in line]
    assert sorted(named) == sorted(f"{fault} was named {verdict}" for fault, verdict in found.items())
    assert found == {
        **dict.fromkeys(("slow:5%", "slow:10%", "slow:20%", "slow:50%", "slow:3%", "host:100%"), "REGRESSED"),
        "wrong": "BROKEN",
        "vanish": "MISSING",
        "fp32-engine": "BROKEN",
    }
    assert lines[-2] == "clean night: 0 named falsely, 0 of 12 INCONCLUSIVE"
    assert lines[-1] == "5 nights with faults: of the cases without one 0 named falsely"
    clean, *with_faults = nights.given[::2]
    monkeypatch.setattr(drill, "measure_replicate", Nights())
    assert main(["drill", "--replicates", "2", "--json", "--", "benchmarks/", "-q"]) == ExitCode.PASS
    told = json.loads(capsys.readouterr().out)
    assert {each["fault"].partition("=")[2]: each["verdict"] for each in told["faults"]} == found
    reasons = {each["fault"].partition("=")[2]: each["reason"] for each in told["faults"]}
    assert reasons["fp32-engine"] == "precision not delivered: 0 of 9"
    assert told["false_alarms"] == [[], [], [], [], [], []]
    assert told["clean"] == {"PASS": 12}
    assert clean == ["benchmarks/", "-q"]
    # A third of the cases of a night at most, references aside, each once.
    cases = [[argument.split("=")[1] for argument in given if "fault" in argument] for given in with_faults]
    assert [len(night) for night in cases] == [len(set(night)) for night in cases] == [2, 2, 2, 2, 1]


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize("kind", [FaultKind.WRONG, FaultKind.VANISH, FaultKind.SLOW, FaultKind.FP32_ENGINE])
def test_a_gate_that_overlooks_what_it_must_see_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: FaultKind
) -> None:
    monkeypatch.setattr(drill, "measure_replicate", Nights(overlooks=kind))
    assert main(["drill", "--replicates", "1"]) == ExitCode.FAIL
    assert "✗ a gate that overlooks this can't be trusted" in capsys.readouterr().out


@pytest.mark.usefixtures("stored")
def test_a_build_that_fails_for_another_reason_does_not_pass_for_a_proof_of_precision(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(drill, "measure_replicate", Nights(reason="build failed: no memory"))
    assert main(["drill", "--replicates", "1"]) == ExitCode.FAIL
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "=fp32-engine" in line]
    assert "BROKEN" in line
    assert "✗ a gate that overlooks this can't be trusted" in line


def test_a_graph_is_lost_where_a_variant_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    runs = [str(write_run(tmp_path / "runs", with_graphs(), day=day)) for day in range(20, 25)]
    assert main(["promote", *runs]) == ExitCode.PASS
    monkeypatch.setattr(drill, "measure_replicate", Nights(graphs=True))
    capsys.readouterr()
    assert main(["drill", "--replicates", "2", "--json"]) == ExitCode.PASS
    told = {each["fault"]: each for each in json.loads(capsys.readouterr().out)["faults"]}
    (lost,) = [fault for fault in told if fault.endswith("=lost-graph")]
    assert "-graph/" in lost
    assert (told[lost]["verdict"], told[lost]["named"], told[lost]["is_demanded"]) == ("REGRESSED", True, False)
    assert sum(fault.endswith("=fp32-engine") for fault in told) == 1


@pytest.mark.usefixtures("stored")
def test_a_case_that_is_named_without_a_fault_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    restless = make_run(slowed(usual_times(), HURT, 1.5), day=9)
    monkeypatch.setattr(drill, "measure_replicate", lambda *_: restless)
    assert main(["drill", "--replicates", "1"]) == ExitCode.FAIL
    assert f"clean night: 1 named falsely ({HURT} REGRESSED)" in capsys.readouterr().out


def test_without_a_baseline_nothing_is_drilled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(drill, "measure_replicate", Nights())
    assert main(["drill"]) == ExitCode.NOT_JUDGED
    assert "perfkit promote" in capsys.readouterr().out
    assert main(["drill", "--json"]) == ExitCode.NOT_JUDGED
    assert "perfkit promote" in json.loads(capsys.readouterr().out)["why"]


@pytest.mark.usefixtures("stored")
def test_what_fails_every_night_or_is_left_out_is_no_false_alarm(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One case is chosen, and the suite has one that is always broken."""
    only, nights = {HURT: usual_times()[HURT]}, Nights()

    def measured(arguments: list[str], path: Path) -> Run:
        broken = Outcome(**case("trt-fp8")._asdict(), status=Status.BROKEN, reason="always")
        run = nights(arguments, path)
        samples = [sample for sample in run.replicate.samples if sample.case in only]
        replicate = run.replicate.model_copy(update={"samples": samples})
        outcomes = [outcome for outcome in run.outcomes if outcome.case in only] + [broken]
        return run.model_copy(update={"replicate": replicate, "outcomes": outcomes})

    monkeypatch.setattr(drill, "measure_replicate", measured)
    assert main(["drill", "--replicates", "2"]) == ExitCode.PASS
    out = capsys.readouterr().out
    assert "clean night: 0 named falsely" in out
    # pytest would refuse a night without any case.
    assert "vanish" not in out


@pytest.mark.usefixtures("stored")
def test_a_case_that_was_faster_in_the_clean_night_gets_no_fault(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Slowed by as much, it would only be what it was."""
    nights = Nights()

    def measured(arguments: list[str], path: Path) -> Run:
        run = nights(arguments, path)
        return run if len(nights.given) > 1 else make_run(slowed(usual_times(), HURT, 0.7), day=1)

    monkeypatch.setattr(drill, "measure_replicate", measured)
    assert main(["drill", "--replicates", "1"]) == ExitCode.PASS
    assert str(HURT) not in capsys.readouterr().out


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(("lost", "code"), [(1, ExitCode.PASS), (5, ExitCode.USAGE)])
def test_a_night_that_is_lost_takes_no_other_with_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], lost: int, code: ExitCode
) -> None:
    nights = Nights()

    def measured(arguments: list[str], path: Path) -> Run:
        run = nights(arguments, path)
        if 1 < len(nights.given) <= 1 + lost:
            raise UserError("pytest ended with 5, see above; nothing was measured")
        return run

    monkeypatch.setattr(drill, "measure_replicate", measured)
    assert main(["drill", "--replicates", "1"]) == code
    out, err = capsys.readouterr()
    assert err.count("is lost: pytest ended with 5") == lost
    assert ("4 nights with faults" in out) is (code is ExitCode.PASS)
