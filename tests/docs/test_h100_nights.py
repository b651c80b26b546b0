"""docs/scripts/h100_nights.sh, by made-up programs: which card measures what, on a host with one and with two."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

ONE_CARD = "#!/usr/bin/env bash\necho GPU-one\n"


def measured(tmp_path: Path) -> dict[str, tuple[str, str]]:
    """Of each run its card and how many processes it was asked for."""
    lines = (tmp_path / "log").read_text().splitlines()
    asked = [line.partition("|") for line in lines if "perfkit run" in line]
    return {
        text.split("--results kept/run-")[1].split()[0]: (card, text.split("--replicates ")[1].split()[0])
        for card, _, text in asked
    }


TWO = {
    "baseline-card-0": ("GPU-one", "3"),
    "baseline-card-1": ("GPU-two", "2"),
    "unchanged": ("GPU-one", "3"),
    "slowed-10pct": ("GPU-two", "3"),
}
ALONE = {"baseline-card-0": ("GPU-one", "5"), "unchanged": ("GPU-one", "3"), "slowed-10pct": ("GPU-one", "3")}


@pytest.mark.parametrize("wanted", [TWO, ALONE], ids=["two cards", "one card"])
def test_each_card_measures_its_share(host: Any, tmp_path: Path, wanted: dict[str, tuple[str, str]]) -> None:
    """Of the baseline and of the nights; and what is there is neither measured nor promoted again."""
    if wanted is ALONE:
        (tmp_path / "bin" / "nvidia-smi").write_text(ONE_CARD)
    done = host("h100_nights.sh", "build", "baseline", "nights")
    assert (done.returncode, done.stderr) == (0, "")
    assert measured(tmp_path) == wanted
    log = (tmp_path / "log").read_text().splitlines()
    assert [line for line in log if "=slow:10%" in line] == [line for line in log if "run-slowed-10pct" in line]
    promoted = (tmp_path / "kept" / "baseline.json").read_text()
    assert promoted.count("replicate-1.json") == sum(name.startswith("baseline") for name in wanted)
    assert (tmp_path / "kept" / "unchanged.code").read_text() == "10\n"
    assert (tmp_path / "kept" / "slowed-10pct" / "replicate-1.json").is_file()
    again = host("h100_nights.sh", "baseline")
    assert again.returncode == 64
    assert "is there already" in again.stderr
    assert promoted == (tmp_path / "kept" / "baseline.json").read_text()


def test_a_baseline_may_have_more_processes(host: Any, tmp_path: Path) -> None:
    """Of an even number each card has as many as the other."""
    assert host("h100_nights.sh", "baseline", BASELINE="6").returncode == 0
    assert measured(tmp_path) == {"baseline-card-0": ("GPU-one", "3"), "baseline-card-1": ("GPU-two", "3")}


def test_on_two_cards_the_second_builds_beside_the_first(host: Any, tmp_path: Path) -> None:
    """In a cache of its own, whose engines the first one gets."""
    assert host("h100_nights.sh", "build").returncode == 0
    builds = {line.split("|")[0]: line.split("|")[2] for line in (tmp_path / "log").read_text().splitlines()}
    assert builds == {"GPU-one": ".perfkit", "GPU-two": ".perfkit-second"}
    assert {path.name for path in (tmp_path / ".perfkit" / "engines").iterdir()} == {"of-GPU-one", "of-GPU-two"}


def test_a_drill_and_the_same_code_unchanged(host: Any, tmp_path: Path) -> None:
    done = host("h100_nights.sh", "baseline", "drill", "unchanged", "unchanged", SUITE="nights", REPLICATES="1")
    assert (done.returncode, done.stderr) == (0, "")
    assert measured(tmp_path) == {
        **{name: TWO[name] for name in ("baseline-card-0", "baseline-card-1")},
        **dict.fromkeys(("unchanged-1", "unchanged-2"), ("GPU-two", "1")),
    }
    unchanged = [line for line in (tmp_path / "log").read_text().splitlines() if "run-unchanged" in line]
    assert all("--repeats 1" in line for line in unchanged)  # as in a night: what is in doubt again
    (drill,) = [line for line in (tmp_path / "log").read_text().splitlines() if "perfkit drill" in line]
    assert drill.startswith("GPU-one|")
    assert all(part in drill for part in ("--replicates 1", "--baseline kept/baseline.json", "--perfkit-suite nights"))
    assert (tmp_path / "kept" / "drill.code").read_text() == "0\n"
    assert (tmp_path / "kept" / "drill" / "clean" / "replicate-1.json").is_file()
    again = host("h100_nights.sh", "drill")
    assert (again.returncode, "is there already" in again.stderr) == (64, True)


@pytest.mark.parametrize("steps", [("baseline", "nights"), ("nothing",)])
def test_without_a_baseline_there_is_no_night(host: Any, tmp_path: Path, steps: tuple[str, ...]) -> None:
    done = host("h100_nights.sh", *steps, PROMOTED="1")
    assert done.returncode == (1 if steps[0] == "baseline" else 64)
    assert not (tmp_path / "kept" / "baseline.json").exists()
    assert not (tmp_path / "kept" / "unchanged.code").exists()
