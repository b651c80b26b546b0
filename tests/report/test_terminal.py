from __future__ import annotations

import re
from pathlib import Path

import pytest

from perfkit.judge.compare import judge
from perfkit.judge.metric import Metric
from perfkit.report.table import table_of
from perfkit.report.terminal import render
from tests.golden import assert_golden
from tests.report.examples import every_kind, first_run, waived
from tests.support import make_run

GOLDEN = Path(__file__).parent / "golden"
ANSI = re.compile(r"\x1b\[[\d;]*m")


@pytest.mark.parametrize("width", [180, 70])
def test_the_whole_report(width: int) -> None:
    text = render(every_kind(), width=width, color=False)
    assert_golden(GOLDEN / f"terminal-{width}.txt", text + "\n")


def test_a_run_without_a_baseline_has_its_numbers() -> None:
    text = render(first_run(), width=160, color=False)
    assert_golden(GOLDEN / "terminal-first-run.txt", text + "\n")


def test_what_is_waived_and_what_has_drifted() -> None:
    text = render(waived(), width=160, color=False)
    assert_golden(GOLDEN / "terminal-waived.txt", text + "\n")


@pytest.mark.parametrize("width", [30, 45, 80, 109, 110, 150, 250])
def test_no_line_is_wider_than_asked(width: int) -> None:
    for judgement in (every_kind(), first_run()):
        lines = render(judgement, width=width, color=False).splitlines()
        assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [30, 80, 250])
@pytest.mark.parametrize("verbosity", [-2, -1, 1, 2])
def test_quiet_and_wordy_reports_fit_as_well(width: int, verbosity: int) -> None:
    for judgement in (every_kind(), first_run()):
        lines = render(judgement, width=width, color=False, verbosity=verbosity).splitlines()
        assert max(map(len, lines)) <= width


def test_quiet_shows_what_needs_a_look_and_how_it_came_out() -> None:
    judgement = every_kind()
    text = render(judgement, width=250, color=False, verbosity=-1)
    assert [
        line.split()[1] + line.split()[2]
        for line in text.splitlines()
        if line.count("/") > 1 and "compared" not in line
    ] == [
        "✗BROKEN",
        "∅MISSING",
        "▼REGRESSED",
    ]
    assert text.splitlines()[-1] == judgement.summary
    assert render(first_run(), width=250, color=False, verbosity=-1).splitlines()[-1] == first_run().summary


def test_a_wordy_report_has_every_metric_with_its_interval() -> None:
    text = render(every_kind(), width=250, color=False, verbosity=1)
    assert text.count("wall time ") == sum(row.metric(Metric.WALL_TIME) is not None for row in every_kind().rows)
    speedup = r"device speedup 5\.00x → 3\.84x, -23\.\d%, \[-23\.\d%, -2\d\.\d%\]"
    assert re.search(speedup + r", detects 2\.\d%, replicates 3 → 1, REGRESSED", text)


@pytest.mark.parametrize(
    ("sources", "told"),
    [
        (["runs/night/1.json", "runs/night/2.json"], "runs/night, 2 replicates"),
        (["runs/night/1.json"], "runs/night/1.json, 1 replicate"),
        (["one/1.json", "two/1.json"], "one/1.json, two/1.json, 2 replicates"),
        (["1.json", "2.json"], "1.json, 2.json, 2 replicates"),
    ],
)
def test_of_replicates_in_one_folder_the_folder_is_named(sources: list[str], told: str) -> None:
    runs = [make_run(day=day).model_copy(update={"source": source}) for day, source in enumerate(sources, start=1)]
    assert render(judge(None, runs), width=250, color=False).startswith(f"run: {told}, commit")


def test_each_model_has_a_table_the_worst_first() -> None:
    titles = re.findall(r"^(\S+): \d", render(every_kind(), width=250, color=False), flags=re.MULTILINE)
    assert [title for title in titles if title[0] != "m" or title == "mobilenet_v2"] == [
        "mobilenet_v2",
        "resnet50",
        "vgg16",
    ]


def test_colour_only_where_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("FORCE_COLOR", "1"), ("COLUMNS", "20"), ("TERM", "xterm-256color")):
        monkeypatch.setenv(name, value)
    plain = render(every_kind(), width=180, color=False)
    assert "\x1b" not in plain
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    coloured = render(every_kind(), width=180, color=True)
    assert "\x1b[1;31m▼ REGRESSED" in coloured
    without = [line.rstrip() for line in ANSI.sub("", coloured).splitlines()]
    assert without == plain.splitlines()


@pytest.mark.parametrize("width", [70, 150, 180, 250])
def test_nothing_is_cut_off(width: int) -> None:
    """Folded or in paragraphs, but every word of every row is there."""
    judgement = every_kind()
    words = render(judgement, width=width, color=False).replace(",", "").split()
    for _, cells in table_of(judgement).rows:
        for cell in cells:
            assert set(cell.replace(",", "").split()) <= set(words) | {"-"}
