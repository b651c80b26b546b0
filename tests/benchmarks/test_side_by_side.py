"""benchmarks/side_by_side: the order of measuring, what becomes of failures, tools' answers, and the page's tables."""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

from benchmarks.side_by_side import measure, tool, with_asv, with_pytest_benchmark
from benchmarks.side_by_side.tool import Failed, One, Reading, Said, Tool
from benchmarks.side_by_side.workload import ARMS, BASELINE, SLOWED, Place, cases_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
CASES = cases_of("cpu")
SLOW = SLOWED["cpu"]
FALLS_OVER = [("one", "unchanged", 2), ("two", BASELINE, 3)]
HAS_FAILED = """\
ERROR: Performance has regressed:
\ttest_latency[mobilenet_v2/eager-fp32/1x3x224x224] (0001_baselin) - Field 'median' has failed \
PercentageRegressionCheck: 7.900000000 > 5.000000000
\ttest_latency[resnet18/openvino-fp32/1x3x224x224] (0001_baselin) - Field 'mean' has failed \
PercentageRegressionCheck: 11.000000000 > 10.000000000
"""
SLEEPER = "sleeper of side by side"
SLEEP = [sys.executable, "-c", "import time; time.sleep(60)", SLEEPER]
COMPARED = """\
All benchmarks:

| Change   | Before [fbec5dba] <main~2>   | After [84b3227b] <main>   | Ratio   | Benchmark (Parameter)           |
|----------|------------------------------|---------------------------|---------|---------------------------------|
|          | 26.6±4ms                     | 29.1±7ms                  | ~1.09   | latency.time_call('CASE-0')     |
| -        | 7.64±2ms                     | 5.70±0.5ms                | 0.75    | latency.time_call('CASE-1')     |
|          | 42.9±0.4ms                   | 42.7±4ms                  | 1.00    | latency.time_call('CASE-2')     |
| +        | 23.3±3ms                     | 37.8±3ms                  | 1.62    | latency.time_call('CASE-3')     |
"""


class MadeUp(Tool):
    module = "json"
    about_s = 1.0

    def __init__(self, name: str, processes: int = 1, arms: tuple[str, ...] = ARMS) -> None:
        self.name, self.processes, self.arms = name, processes, arms
        self.judges = arms == ARMS

    def measure(self, one: One) -> list[Reading]:
        if (self.name, one.place.arm, one.number) in FALLS_OVER:
            raise Failed("it fell over")
        times_s = {case: 4e-3 if "/eager-" in case else 2e-3 * (1 + one.number / 100) for case in CASES}
        return [tool.reading("cpu", times_s)] * self.processes

    def judged(self, one: One) -> list[Said]:
        slower = {SLOW} if one.place.arm == "slowed" and one.number > 1 else set()
        return [{"rule": "a rule", "replicates": "1 : 1", "cases": tool.words(CASES, slower)}]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """What a measurement with made-up tools leaves."""
    output = tmp_path / "out.jsonl"
    tools = [MadeUp("one"), MadeUp("two", processes=2), MadeUp("mute", arms=(BASELINE,))]
    measure.add(output, measure.about("cpu", 3, tools))
    measure.Measurement(tools, Place("cpu", BASELINE, tmp_path), 9.0, output).measure(3, [""])
    return output


def test_tools_and_arms_take_turns() -> None:
    tools = [MadeUp("one"), MadeUp("two"), MadeUp("mute", arms=(BASELINE,))]
    order = [(number, arm, tool.name) for number, arm, tool in measure.rounds(tools, 4)]
    first = [name for (_, arm, name), (_, before, _) in zip(order[1:], order, strict=False) if arm != before]
    assert {name for _, arm, name in order if arm == BASELINE} == {"one", "two", "mute"}
    assert set(first) == {"one", "two", "mute"}, "another is first in each round"
    arms = [arm for arm, before in pairwise([*(arm for _, arm, _ in order), ""]) if arm != before]
    assert arms == [BASELINE, "unchanged", "slowed", BASELINE, "slowed", "unchanged"] * 2


def test_a_tool_with_several_processes_is_asked_less_often() -> None:
    order = list(measure.rounds([MadeUp("one"), MadeUp("two", processes=2)], 7))
    counts = {(tool.name, arm): 0 for _, arm, tool in order}
    for _, arm, each in order:
        counts[each.name, arm] += each.processes
    assert counts == {(name, arm): size for name, size in (("one", 7), ("two", 8)) for arm in ARMS}


def test_each_process_is_kept_and_a_failure_ends_nothing(written: Path) -> None:
    rows = [json.loads(line) for line in written.read_text().splitlines()]
    kinds = [row["kind"] for row in rows]
    assert kinds[0] == "about"
    failed = [row for row in rows if row["kind"] == "failed"]
    assert [(row["tool"], row["arm"], row["number"]) for row in failed] == FALLS_OVER
    assert {row["why"] for row in failed} == {"Failed: it fell over"}
    assert kinds.count("process") == (9 - 1) + (6 - 1) + 3
    assert kinds.count("verdict") == (6 - 1) + (4 - 2), "nothing is judged against a baseline that isn't there"


class OfCards(MadeUp):
    """Its processes take a while; in the fourth round, where it is to be, somebody interrupts the whole."""

    def __init__(self, interrupts: bool = False) -> None:
        super().__init__("several")
        self.interrupts = interrupts

    def measure(self, one: One) -> list[Reading]:
        if self.interrupts and one.number == 4:
            os.kill(os.getpid(), signal.SIGINT)
            one.run("-c", "import time; time.sleep(60)")
        one.run("-c", f"assert __import__('os').environ['CUDA_VISIBLE_DEVICES'] == '{one.place.card}'")
        return super().measure(one)

    def judged_together(self, place: Place, numbers: Mapping[str, Sequence[int]]) -> list[tuple[str, Said]]:
        return [(arm, {"rule": str(list(own)), "replicates": "", "cases": {}}) for arm, own in numbers.items()]


def test_each_card_takes_rounds_as_a_whole(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    measure.Measurement([OfCards()], Place("cuda", BASELINE, tmp_path), 60.0, output).measure(6, ["0", "3"])
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    cards = {number: {row["card"] for row in rows if row.get("number") == number} for number in range(1, 7)}
    assert {len(each) for each in cards.values()} == {1}
    assert set.union(*cards.values()) == {"0", "3"}
    assert [row["rule"] for row in rows if row["kind"] == "verdict" and "number" not in row] == [
        "[1, 2, 3, 4, 5, 6]"
    ] * 3


class CannotJudge(MadeUp):
    def judged(self, one: One) -> list[Said]:
        raise ValueError("no such row")


def test_a_rule_that_fails_costs_nothing_that_was_measured(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    measure.Measurement([CannotJudge("mute")], Place("cpu", BASELINE, tmp_path), 9.0, output).measure(2, [""])
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert [row["kind"] for row in rows].count("process") == 6
    assert {(row["arm"], row["why"]) for row in rows if row["kind"] == "failed"} == {
        (f"judging {arm}", "ValueError: no such row") for arm in ARMS if arm != BASELINE
    }


@pytest.mark.parametrize(
    ("named", "platform", "cards"),
    [(None, "cuda", ["0", "1"]), ("5,GPU-9", "cuda", ["5", "GPU-9"]), ("5", "cpu", [""])],
)
def test_the_cards_are_those_that_are_shown(
    named: str | None, platform: str, cards: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Driver:
        def device_count(self) -> int:
            return 2

    monkeypatch.setattr(measure, "cuda_driver", Driver)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert measure.cards_of(platform) == cards


@pytest.fixture
def interruptible() -> Iterator[None]:
    """A shell that has started the tests in the background lets them ignore the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_what_was_measured_before_an_interruption_is_judged(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    tools = [OfCards(interrupts=True)]
    measure.Measurement(tools, Place("cuda", BASELINE, tmp_path), 60.0, output).measure(60, ["0", "1"])
    rows = [json.loads(line) for line in output.read_text().splitlines()]
    assert {row["why"] for row in rows if row["kind"] == "failed"} == {"interrupted, with all that would have followed"}
    measured = {(row["arm"], row["number"]) for row in rows if row["kind"] == "process"}
    whole = [number for number in range(1, 4) if {(arm, number) for arm in ARMS} <= measured]
    assert whole, "the card that takes the fourth round has ended another"
    assert max(number for _, number in measured) < 60
    together = {row["arm"]: row["rule"] for row in rows if row["kind"] == "verdict" and "number" not in row}
    assert together == {arm: str(sorted(number for own, number in measured if own == arm)) for arm in ARMS}


def test_a_process_finds_what_python_was_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    printed = One(Place("cpu", BASELINE, tmp_path), 1, 60.0).run("-c", "import sys; print(sys.path[1:3])")
    assert printed.strip() == str([str(ROOT), str(tmp_path)])


def test_the_tables_are_what_was_written(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "scripts")
    page = runpy.run_path(str(ROOT / "docs" / "scripts" / "side_by_side.py"))
    data = page["read"](written)
    spread = page["spread"](data)
    # 1, 1, 2, 3, 3: two arms without the process that failed; 4 ms over 2 ms and 1 to 3% of it.
    row = next(line for line in spread if line.startswith(f"| {SLOW} | one |"))
    assert row == f"| {SLOW} | one | wall | 5 | 1.96x | 1.94x to 1.98x | 1.0% | 2.04 ms | 1.0% | 4.00 ms |"
    assert sum(" | mute | wall | 3 | " in line for line in spread) == 2
    said = "\n".join(page["said"](data))
    # 20 words of five arms of four cases, without the slowed case of three.
    assert "| one | a rule | 1 : 1 | 0 of 17 | 0 of 17 | 0 of 17 | 2 of 3 | 0 of 3 |" in said
    assert "| mute | has no verdict |" in said
    assert "| triton do_bench | took no part: needs cuda |" in said
    assert "one, unchanged 2: Failed: it fell over; two, baseline 3: " in said
    assert any(line.startswith("| mute | ") and line.endswith("| has no verdict |") for line in page["seconds"](data))


def answers_of(name: str, text: str) -> Any:
    if name == "pytest-benchmark":
        return [with_pytest_benchmark.failed(text, field, CASES) for field in ("median", "mean")]
    return list(with_asv.compared(text, CASES).values())


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("pytest-benchmark", HAS_FAILED, [{"mobilenet_v2/eager-fp32/1x3x224x224"}, {SLOW}]),
        ("pytest-benchmark", "4 passed in 20.54s\n", [set(), set()]),
        ("asv", COMPARED, ["same", "faster", "same", "slower"]),
    ],
)
def test_what_tools_print_is_understood(name: str, text: str, expected: Any) -> None:
    for number, case in enumerate(CASES):
        text = text.replace(f"CASE-{number}", case)
    assert answers_of(name, text) == expected


def test_a_case_that_asv_does_not_show_is_no_pass() -> None:
    with pytest.raises(ValueError, match="0 of 4 cases"):
        with_asv.compared(COMPARED, CASES)


@pytest.mark.parametrize(
    ("code", "limit_s", "why"),
    [
        ("raise SystemExit('no such thing')", 60.0, "exit code 1: no such thing"),
        (f"import subprocess, sys; subprocess.run({SLEEP}, start_new_session=True)", 2.0, "not done within 2 s"),
    ],
)
def test_a_process_that_does_not_end_well_says_why(tmp_path: Path, code: str, limit_s: float, why: str) -> None:
    one = One(Place("cpu", BASELINE, tmp_path), 1, limit_s)
    with pytest.raises(Failed, match=why):
        one.run("-c", code)
    left = [each for each in psutil.process_iter(["cmdline"]) if (each.info["cmdline"] or [""])[-1] == SLEEPER]
    assert psutil.wait_procs(left, timeout=10)[1] == [], "what it has started is ended too"


def test_a_process_finds_its_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = replace(Place("cpu", BASELINE, tmp_path), arm="slowed")
    code = "from benchmarks.side_by_side.workload import Place; print(Place.here())"
    monkeypatch.setenv("COVERAGE_PROCESS_START", "")
    assert One(place, 1, 60.0).run("-c", code).strip() == str(place)


def test_the_estimate_measures_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["--platform", "cpu", "--output", str(tmp_path / "out.jsonl"), "--estimate", "--only", "perfkit"]
    monkeypatch.setattr(sys, "argv", ["measure", *asked])
    measure.main()
    assert "21 processes of 1 tools: about " in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
