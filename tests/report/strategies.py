"""Reports of any kind for Hypothesis: names and messages that hold anything, any verdict beside any number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from perfkit.catalog.case import CaseId
from perfkit.judge.metric import Metric
from perfkit.judge.roofline import CARDS
from perfkit.judge.verdict import (
    Finding,
    FindingKind,
    Judgement,
    MetricRow,
    Moved,
    Refusal,
    RefusalKind,
    Row,
    Side,
    Suspect,
    Verdict,
)
from perfkit.record.baseline import Baseline
from perfkit.record.facts import Work, WorkPrecision
from perfkit.record.replicate import Tail
from perfkit.report.exporter import Report
from tests.report.examples import report_of
from tests.support import GPU, make_run, run_data

if TYPE_CHECKING:
    from hypothesis.strategies import DrawFn

NASTY = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "a|b`c`\n| d |",
    "]]></failure>&amp;",
    "\x1b[31mred\x00\x7f\u202e\u2028\ufeff\ufffe",
    "\"quoted\", 'twice'\\",
    "=HYPERLINK(1)",
    " +1|cmd",
    "::error title=x::y%0A",
    "# EOF\n{}",
    "{{ 7 * 7 }}{% raw %}",
    "e\u0301 模 " + "x" * 2000,
)
texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=30))
names = texts.filter(bool)
_positive = st.floats(1e-9, 1e5)
_percents = st.floats(-1e6, 1e6)
_counts = st.integers(0, 9)


def _maybe(strategy: st.SearchStrategy[float]) -> st.SearchStrategy[float | None]:
    return st.none() | strategy


_metrics = st.builds(
    MetricRow,
    metric=st.sampled_from(Metric),
    baseline=_maybe(_positive),
    current=_maybe(_positive),
    change_pct=_maybe(_percents),
    change_low_pct=_maybe(_percents),
    change_high_pct=_maybe(_percents),
    detectable_pct=_maybe(st.floats(0, 1e6)),
    baseline_replicates=_counts,
    current_replicates=_counts,
    verdict=st.none() | st.sampled_from(Verdict),
)
_rows = st.builds(
    Row,
    model=names,
    variant=texts,
    shape=st.one_of(st.sampled_from(["1x3x224x224", "0x3", "9" * 5000, "²x3"]), texts),
    verdict=st.sampled_from(Verdict),
    compared=st.booleans(),
    reason=texts,
    moved=st.none() | st.sampled_from(Moved),
    deciding=st.none() | st.sampled_from(Metric),
    detectable_pct=_maybe(st.floats(0, 1e6)),
    tail=st.none() | st.builds(Tail, p95_s=_positive, p99_s=_positive, max_s=_positive, spikes=_counts),
    metrics=st.lists(_metrics, max_size=4, unique_by=lambda row: row.metric).map(tuple),
    notes=st.lists(texts, max_size=2).map(tuple),
)
_sides = st.builds(
    Side,
    source=texts,
    replicates=st.integers(1, 9),
    commits=st.lists(texts, max_size=6).map(tuple),
    hardware=texts,
)


def _ordered(rows: list[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: (row.verdict.rank, row.case)))


judgements = st.builds(
    Judgement,
    run=_sides,
    baseline=st.none() | _sides,
    refusal=st.none() | st.builds(Refusal, kind=st.sampled_from(RefusalKind), text=texts),
    rows=st.lists(_rows, max_size=8, unique_by=lambda row: row.case).map(_ordered),
    findings=st.lists(st.builds(Finding, kind=st.sampled_from(FindingKind), text=texts), max_size=3).map(tuple),
    suspects=st.lists(st.builds(Suspect, what=texts, baseline=texts, current=texts), max_size=3).map(tuple),
)


@st.composite
def _conditions(draw: DrawFn, kept: int) -> dict[str, Any]:
    """Of so many kept rounds: none disturbed, some left out, or most disturbed and all kept; old ones lack places."""
    whys = draw(st.lists(texts, max_size=kept))
    is_spoiled = len(whys) > kept / 2
    measured = kept if is_spoiled else kept + len(whys)
    places = draw(st.permutations(range(measured)))[: len(whys)]
    return {
        "rounds": measured,
        "disturbed": {why: whys.count(why) for why in whys},
        "disturbed_rounds": draw(st.sampled_from([None, sorted(places)])),
        "spoiled": is_spoiled,
    }


_works = st.builds(
    Work, precision=st.sampled_from(WorkPrecision), flops=st.integers(0, 10**24), min_bytes=st.integers(0, 10**24)
)


@st.composite
def compared_reports(draw: DrawFn) -> Report:
    """A run really judged, with its records, whose cases are called anything."""
    cases = draw(st.lists(st.builds(CaseId, names, names, names), min_size=1, max_size=4, unique=True))
    times = {case: (4e-3, draw(st.floats(1e-4, 1e-2))) for case in cases}
    software = {"torch": draw(texts)}
    hardware = GPU.model_copy(update={"name": draw(st.sampled_from([GPU.name, *CARDS]))})
    nights = tuple(make_run(times, day=day, rounds=6, hardware=hardware).replicate for day in (1, 2))
    data = run_data(times, day=9, rounds=6, software=software, hardware=hardware)
    for benchmark in data["benchmarks"]:
        record = benchmark["extra_info"]["perfkit"]
        record["conditions"] = draw(st.none() | _conditions(6))
        record["work"] = draw(st.none() | _works.map(lambda work: work.model_dump(mode="json")))
    return report_of([data], Baseline(draw(texts), hardware, nights))


reports = st.one_of(judgements.map(Report), compared_reports())


def huge(cases: int) -> Report:
    """So many cases, half of them REGRESSED, with names as long as names get."""
    rows = tuple(
        Row(
            model=f"model-{number % 7}",
            variant="|`<b>" * 40 + str(number),
            shape="1x3x224x224",
            verdict=Verdict.REGRESSED if number < cases / 2 else Verdict.PASS,
            compared=True,
            reason="<>&" * 200,
            metrics=(MetricRow(metric=Metric.WALL_TIME, baseline=1e-3, current=2e-3, change_pct=100.0),),
        )
        for number in range(cases)
    )
    side = Side(source="|" * 5000, replicates=1, commits=("<" * 500,), hardware="&" * 5000)
    findings = tuple(Finding(kind=FindingKind.SKIPPED, text="`" * 3000) for _ in range(200))
    return Report(Judgement(run=side, baseline=side, rows=rows, findings=findings))
