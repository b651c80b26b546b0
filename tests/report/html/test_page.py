"""The page as a file: one document, nothing of the report becomes markup or code, and its size stays bounded."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings

from perfkit.history.overview import Overview, SeriesThrough
from perfkit.history.series import RunFacts, Series
from perfkit.judge.verdict import Verdict
from perfkit.record.baseline import Baseline
from perfkit.report.exporter import Format, Report, load_exporter
from perfkit.report.html.links import anchor, name_of
from perfkit.report.html.points import MOST_TIMES, case_points
from perfkit.report.html.trend_views import id_of
from perfkit.report.past import Past
from tests.report.examples import first_run, report_of, whole_report
from tests.report.strategies import reports
from tests.support import CPU, GPU, benchmark_of, case, make_run, plain_data, run_data, slowed, usual_times

if TYPE_CHECKING:
    from perfkit.catalog.case import CaseId

VOID = {"meta", "input", "br", "img"}
ELEMENTS = {
    *("html", "head", "meta", "title", "style", "body", "header", "nav", "main", "section", "footer", "script"),
    *("h1", "h2", "h3", "p", "ul", "li", "dl", "dt", "dd", "a", "span", "strong", "bdi", "code", "button", "div"),
    *("table", "thead", "tbody", "tr", "th", "td", "details", "summary", "figure", "figcaption"),
    *("form", "label", "input", "fieldset", "legend"),
}


class Document(HTMLParser):
    """Open elements, every one that there was, texts by element, and the attributes that could run something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data
        else:
            self.text.append(data)


def page(report: Report) -> str:
    return load_exporter(Format.HTML)(report).decode("utf-8")


def data_of(document: Document) -> Any:
    return json.loads(document.scripts[0], parse_constant=pytest.fail)


@pytest.mark.case("A14")
@settings(max_examples=40)
@given(reports)
def test_nothing_of_a_report_becomes_markup_or_code(report: Report) -> None:
    document = Document(page(report))
    assert document.open == []
    assert {tag for tag, _ in document.elements} <= ELEMENTS
    attributes = [(name, value or "") for _, found in document.elements for name, value in found.items()]
    assert not [name for name, _ in attributes if name.startswith("on") or name in ("src", "srcdoc", "action")]
    assert all(value.startswith("#") for name, value in attributes if name == "href")
    ids = [value for name, value in attributes if name == "id"]
    assert len(set(ids)) == len(ids)
    assert {value[1:] for name, value in attributes if name == "href"} <= set(ids)
    assert len(document.scripts) == 3
    data_of(document)
    text = "".join(document.text)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u2028\u202a-\u202e\u2066-\u2069]", text)
    assert f"{len(report.judgement.rows)} of {len(report.judgement.rows)} cases" in text


def test_the_policy_allows_these_scripts_and_no_request() -> None:
    document = Document(page(whole_report()))
    (policy,) = [
        found["content"] or ""
        for tag, found in document.elements
        if tag == "meta" and found.get("http-equiv") == "Content-Security-Policy"
    ]
    digests = [base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in document.scripts[1:]]
    assert re.findall(r"'sha256-([^']+)'", policy) == digests
    assert policy.startswith("default-src 'none'; ")
    assert "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.split("script-src")[1].split(";")[0]


def test_every_injected_fault_stands_where_a_person_looks() -> None:
    """In the counts, in the matrix, in the table and in the case's own section, with the reason."""
    text = page(whole_report())
    for verdict, reason, which in (
        ("REGRESSED", "variant: its time +30.0%", case("trt-int8")),
        ("MISSING", "deselected", case("trt-fp16", "mobilenet_v2")),
        ("BROKEN", r"cosine 0.21 is under\nthe bound", case("trt-int8", "mobilenet_v2")),
    ):
        assert re.search(rf"<strong>1</strong> {verdict}</li>", text)
        cell = re.search(rf'<a class="cell s\d v-{verdict.lower()}" href="#([^"]+)">', text)
        assert cell is not None
        section = text[text.index(f'<details class="case" id="{cell[1]}">') :]
        section = section[: section.index("</details>")]
        assert reason in section
        assert str(which) in section
        row = text[text.index(f'<tr data-case="{cell[1]}" data-state="{verdict}">') :]
        assert reason in row[: row.index("</tr>")]
    assert "torch" in text[text.index("What else changed") : text.index('id="matrix"')]
    assert "noise floor" in text


def test_what_is_missing_is_said() -> None:
    """A plain pytest-benchmark file without rounds has no series, and an empty run no case."""
    plain = plain_data({case("eager-fp32"): 4e-3, case(): 1e-3})
    for entry in plain["benchmarks"]:
        del entry["stats"]["data"]
    text = page(report_of([plain], None))
    assert text.count("This run's file holds no rounds of the case.") == 2
    with_rounds = page(report_of([plain_data({case(): 1e-3})], None))
    assert "holds no rounds" not in with_rounds
    empty = first_run().model_copy(update={"rows": ()})
    assert "There is no case to show." in page(Report(empty))


def test_the_series_are_the_rounds_as_they_came() -> None:
    data = run_data({case(): (4e-3, 1e-3)}, rounds=7)
    cases, step = case_points(report_of([data], None))
    (found,) = cases.values()
    rounds = data["benchmarks"][0]["extra_info"]["perfkit"]["rounds"]
    assert step == 1
    assert [one["clock"] for one in found["series"]] == ["device", "device", "wall", "wall"]
    assert found["series"][0]["ms"] == pytest.approx([1e3 * time for time in rounds["variant_device_s"]], rel=1e-3)
    assert found["clocks"] == {"device": True, "wall": True}


def test_baselines_have_medians_or_their_own_rounds() -> None:
    times = {case(): (4e-3, 1e-3)}
    baseline = Baseline("b.json", GPU, (make_run(times, day=1).replicate, make_run(times, day=2).replicate))
    cases, _ = case_points(report_of([run_data(times, day=9)], baseline))
    (found,) = cases.values()
    assert [median[:2] for median in found["medians"]] == [
        [f"baseline {number}", clock] for number in (1, 2) for clock in ("device", "wall")
    ]
    assert all(low <= ms <= high and low < high for _, _, ms, low, high in found["medians"])


def large(models: int, variants: int, replicates: int) -> Report:
    shapes = ("1x3x112x112", "1x3x224x224", "1x3x448x448", "8x3x224x224")
    names = ["eager-fp32", *(f"variant-{number}" for number in range(1, variants))]
    times: dict[CaseId, tuple[float, float]] = {
        case(variant, f"model-{model}", shape): (4e-3, 1e-3)
        for model in range(models)
        for variant in names
        for shape in shapes
    }
    slow = slowed(times, next(iter(times)), 1.5)
    nights = tuple(make_run(times, day=day, rounds=5).replicate for day in range(1, 6))
    return report_of([run_data(slow, day=9 + n, rounds=60) for n in range(replicates)], Baseline("b.json", GPU, nights))


def test_500_cases_weigh_less_than_6_mb() -> None:
    report = large(models=25, variants=5, replicates=3)
    assert len(report.judgement.rows) == 500
    years = range(3 * 365)
    nights = [RunFacts(1_900_000_000 + 86_400 * night, f"{night:040x}", str(night), 1) for night in years]
    series = [
        SeriesThrough(
            Series(number, number, row.case, "device speedup", "Made Up GPU"),
            years,
            [4.0 + 0.001 * (night * 7 % 11) for night in years],
            (),
            {},
            is_new=False,
            has_turned=False,
        )
        for number, row in enumerate(report.judgement.rows)
    ]
    content = page(replace(report, past=Past(Overview(nights, series))))
    assert len(content.encode()) < 6e6
    assert content.count('<figure data-chart="trend"') == 500
    assert "A point is the median of 19 nights." in content
    drawn = sum(len(s["ms"]) for found in data_of(Document(content))["cases"].values() for s in found["series"])
    assert MOST_TIMES / 3 < drawn <= MOST_TIMES
    assert "one of every 2 rounds" in content


def test_links_stay_the_same_from_night_to_night() -> None:
    def links(day: int) -> set[str]:
        report = report_of([run_data(usual_times(), day=day)], None)
        return set(re.findall(r'<details class="case" id="([^"]+)"', page(report)))

    assert links(1) == links(2)
    assert len(links(1)) == len(usual_times())


def test_colours_follow_speedup_and_verdict() -> None:
    text = page(whole_report())
    assert re.search(r'class="cell s2 v-pass"[^>]*><span aria-hidden="true">✓</span> <strong>1.00x', text)
    assert re.search(r'class="cell s6 v-regressed"[^>]*><span aria-hidden="true">▼</span> <strong>3.84x', text)
    assert f"v-{Verdict.IMPROVED.lower()}" in text


def test_the_distance_from_the_roofline_stands_with_each_case() -> None:
    hardware = GPU.model_copy(update={"name": "NVIDIA H100 80GB HBM3"})
    times = {case(): (8e-3, 2e-3), case("trt-int8"): (8e-3, 1e-3), case("mine"): (8e-3, 1e-3)}
    data = run_data(times, hardware=hardware, jitter=1e-9)
    work = {"flops": 10**12, "min_bytes": 335 * 10**4}
    for which, precision in ((case(), "fp16"), (case("trt-int8"), "int8")):
        benchmark_of(data, which)["extra_info"]["perfkit"]["work"] = {"precision": precision, **work}

    def sentence(text: str, which: CaseId) -> str:
        section = text[text.index(f'<details class="case" id="{anchor(which)}">') :]
        found = re.search(r'<p class="roofline"><bdi>(.*?)</bdi></p>', section[: section.index("</details>")])
        assert found is not None
        return found[1].replace("&#39;", "'")

    text = page(report_of([data], None))
    told = sentence(text, case())
    assert told.startswith(
        "The device time is 2.0x the roofline's 1.01 ms, which the arithmetic bounds: 1e+03 GFLOP at fp16"
    )
    assert "3.35 MB at the least take 1.00 µs (NVIDIA H100 Tensor Core GPU data sheet, H100 SXM)" in told
    assert sentence(text, case("trt-int8")).startswith("The device time is 2.0x the roofline's 505 µs")
    assert sentence(text, case("mine")) == "No roofline: the record doesn't hold the model's bytes and FLOPs."
    points = {
        point["variant"]: point["roofline"] for point in data_of(Document(text))["models"][name_of("m", "resnet50")]
    }
    assert points == {"trt-fp16": pytest.approx(1.978), "trt-int8": pytest.approx(1.979), "mine": None}

    data["perfkit"]["hardware"]["name"] = "Made Up GPU"
    unknown = page(report_of([data], None))
    assert sentence(unknown, case()) == "No roofline: the rates of Made Up GPU at fp16 aren't known to perfkit."
    on_cpu = page(report_of([run_data({case("openvino-fp32"): (8e-3, 2e-3)}, hardware=CPU)], None))
    assert 'class="roofline"' not in on_cpu  # it has no device times


def test_disturbed_rounds_are_drawn_where_they_were() -> None:
    hot, spoiled, quiet = case("trt-int8"), case("eager-fp32"), case()
    data = run_data(dict.fromkeys((hot, spoiled, quiet), (8e-3, 2e-3)))
    for which, is_spoiled in ((hot, False), (spoiled, True)):
        benchmark_of(data, which)["extra_info"]["perfkit"]["conditions"] = {
            "rounds": 20 if is_spoiled else 22,
            "disturbed": {"the GPU was too hot": 11 if is_spoiled else 2},
            "disturbed_rounds": list(range(11)) if is_spoiled else [0, 7],
            "spoiled": is_spoiled,
        }
    text = page(report_of([data], None))
    drawn = data_of(Document(text))["cases"]
    assert all(one["left_out"] == [1, 8] for one in drawn[anchor(hot)]["series"])
    assert all(one["disturbed"] == list(range(1, 12)) for one in drawn[anchor(spoiled)]["series"])
    assert not any("left_out" in one or "disturbed" in one for one in drawn[anchor(quiet)]["series"])
    assert text.count("; dashed: a round that was disturbed and is left out") == 2  # of both clocks
    assert text.count("; ringed: a round that was disturbed, in a replicate in which most were") == 2


def test_each_case_has_its_series_through_the_nights() -> None:
    data = run_data({case(): (8e-3, 2e-3), case("trt-int8"): (8e-3, 1e-3)})
    one = Series(1, 1, case(), "device speedup", "Made Up GPU")
    nights = [RunFacts(1_900_000_000 + 86_400 * night, f"{night:040x}", str(night), 1) for night in range(3)]
    through = SeriesThrough(one, [0, 1, 2], [4.0, 4.1, 4.2], (), {1: Verdict.REGRESSED}, is_new=False, has_turned=False)
    text = page(replace(report_of([data], None), past=Past(Overview(nights, [through]))))

    def section(which: CaseId) -> str:
        found = text[text.index(f'<details class="case" id="{anchor(which)}">') :]
        return found[: found.index("</details>")]

    assert f'data-chart="trend" data-key="{id_of(one)}"' in section(case())
    assert "Through 3 nights, device speedup (axis: x): 4.00x → 4.20x, steady" in section(case())
    assert 'data-chart="trend"' not in section(case("trt-int8"))
    assert data_of(Document(text))["series"][id_of(one)]["values"] == [4.0, 4.1, 4.2]
    assert "The history isn't shown" not in text
    assert "The history isn't shown: <bdi>it wasn&#39;t asked for</bdi>." in page(report_of([data], None))
