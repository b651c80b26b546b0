"""What the pages say is what committed files and the code say."""

from __future__ import annotations

import json
import lzma
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]

H100_BASELINE = "baselines/nvidia-h100-80gb-hbm3-x1-80gib.json"


@pytest.mark.parametrize(
    "name",
    [
        "h100_tables.py",
        "tensorrt_tables.py",
        "throughput.py",
        "writeup.py",
        "calibration_engines.py",
        "engine_streams.py",
        "calibration_methods.py",
        "cpu_settling.py",
        "cpu_spread.py",
        "int8_agreement.py",
        "study.py",
    ],
)
def test_tables_come_from_committed_records(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "docs" / "scripts")
    script = runpy.run_path(str(ROOT / "docs" / "scripts" / name))
    assert script["main"]() == script["PAGE"].read_text("utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        assert (page.parent / target).exists(), target


def test_every_option_and_exit_code_of_the_readme_exists() -> None:
    from perfkit.exit_codes import ExitCode

    text = (ROOT / "README.md").read_text("utf-8")
    options = set(re.findall(r"--perfkit-[a-z]+", text))
    source = (ROOT / "src" / "perfkit" / "plugin" / "options.py").read_text("utf-8")
    assert options
    assert all(f'"{option}"' in source for option in options)
    (listed,) = re.findall(r"\): (0 pass.*?)\n\n", text, flags=re.DOTALL)
    assert [int(code) for code in re.findall(r"\b\d+\b", listed)] == [int(code) for code in ExitCode]


def unpacked(path: Path, folder: Path) -> Path:
    """The file itself, or what a compressed one holds."""
    if path.suffix != ".xz":
        return path
    plain = folder / path.stem
    plain.write_bytes(lzma.decompress(path.read_bytes()))
    return plain


@pytest.mark.parametrize(
    ("base", "run", "code", "regressed"),
    [
        ("cpu/2026-11-25-demo-repeats/baseline.json", "cpu/2026-11-25-demo-repeats/unchanged", 0, 0),
        ("cpu/2026-11-25-demo-repeats/baseline.json", "cpu/2026-11-25-demo-repeats/slowed-10pct", 1, 1),
        ("cpu/2026-11-25-demo-third/baseline.json", "cpu/2026-11-25-demo-third/unchanged", 0, 0),
        ("cpu/2026-11-25-demo-third/baseline.json", "cpu/2026-11-25-demo-third/slowed-10pct", 1, 1),
        ("cpu/2026-11-25-demo-fourth/baseline.json", "cpu/2026-11-25-demo-fourth/unchanged", 11, 0),
        ("cpu/2026-11-25-demo-fourth/baseline.json", "cpu/2026-11-25-demo-fourth/slowed-10pct", 1, 1),
        ("cpu/2026-11-25-demo/baseline.json", "cpu/2026-11-25-demo/unchanged", 11, 0),
        ("cpu/2026-11-25-demo/baseline.json", "cpu/2026-11-25-demo/slowed-10pct", 1, 2),
        ("h100/2026-11-25-quick-run1.json", "h100/2026-11-25-quick-run2.json", 0, 0),
        ("h100/2026-11-25-store-run1.json", "h100/2026-11-25-store-run2.json", 0, 0),
        ("h100/2026-11-25-stream-run1.json", "h100/2026-11-25-stream-run2", 0, 0),
        ("h100/2026-11-25-store-run1.json", "h100/2026-11-25-store-run3-slowed-10pct.json", 1, 1),
        ("h100/2026-11-25-store-run2.json", "h100/2026-11-25-store-run3-slowed-10pct.json", 1, 1),
        ("h100/2026-11-25-stream-run1.json", "h100/2026-11-25-stream-run3-slowed-10pct.json", 1, 1),
        ("h100/2026-11-25-stream-run2", "h100/2026-11-25-stream-run3-slowed-10pct.json", 1, 1),
        (H100_BASELINE, "h100/2026-11-25-night-unchanged", 0, 0),
        (H100_BASELINE, "h100/2026-11-25-night-slowed", 1, 1),
        ("h100/2026-11-25-night-unchanged", "h100/2026-11-25-night-slowed", 1, 1),
        ("h100/2026-11-25-quick-run1.json", "h100/2026-11-25-store-run1.json", 0, 0),
        ("h100/2026-11-25-store-run1.json", "h100/2026-11-25-stream-run1.json", 0, 0),
        # 1, for of its suite nothing else was measured.
        (H100_BASELINE, "h100/tensorrt/2026-11-25-mobilenet_v2.json.xz", 1, 0),
        (H100_BASELINE, "h100/tensorrt/2026-11-25-resnet50.json.xz", 1, 0),
        ("h100/2026-11-25-quick-run1.json", "h100/2026-11-25-resnet18-run3-slowed-10pct.json", 1, 4),
        ("h100/2026-11-25-quick-run2.json", "h100/2026-11-25-resnet18-run3-slowed-10pct.json", 1, 4),
        ("h100/2026-11-25-tests-gpu-run1.json", "h100/2026-11-25-tests-gpu-run2.json", 1, 2),
        ("h100/2026-11-25-tests-gpu-run1.json", "h100/2026-11-25-tests-gpu-run3.json", 1, 2),
        ("h100/2026-11-25-tests-gpu-run2.json", "h100/2026-11-25-tests-gpu-run3.json", 1, 1),
    ],
)
def test_what_the_pages_say_of_committed_runs(
    base: str, run: str, code: int, regressed: int, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """README, measuring.md and h100.md tell these outcomes, the disappointing ones too."""
    from perfkit.cli import main

    results = ROOT / "results"
    measured = unpacked(results / run, tmp_path)
    assert main(["compare", str(results / base), str(measured), "--format", "json"]) == code
    verdicts = [row["verdict"] for row in json.loads(capsys.readouterr().out)["rows"]]
    assert verdicts.count("REGRESSED") == regressed
    if base == H100_BASELINE and "tensorrt" in run:
        assert verdicts.count("PASS") == 12
