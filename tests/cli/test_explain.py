from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from perfkit.cli import main
from perfkit.exit_codes import ExitCode
from perfkit.record.facts import BuildFacts
from perfkit.record.layers import FILE, EngineLayer, EngineLayers
from tests.store.support import key, new_store, writer
from tests.support import make_run, run_data, usual_times

if TYPE_CHECKING:
    from pathlib import Path

SHAPE = "1x3x224x224"
BRACKETS = "[CONVOLUTION]-[aten_ops.convolution.default]-[/x]"
ONE = [EngineLayer(name="a", kind="Convolution", precision="Half", operators=["m/conv"], time_s={SHAPE: 1e-5})]
OTHER = [
    EngineLayer(name="b", kind="Convolution", precision="Float", operators=["m/conv"], time_s={SHAPE: 4e-5}),
    EngineLayer(name=BRACKETS, kind="Reformat", precision="Half", time_s={SHAPE: 2e-6}),
]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with three engines, one of which has no layers, and runs that were measured with two of them."""
    monkeypatch.delenv("PERFKIT_CACHE", raising=False)
    monkeypatch.chdir(tmp_path)
    store = new_store(tmp_path / ".perfkit")
    for model, digest, layers in (("one", "1" * 64, ONE), ("other", "2" * 64, OTHER), ("untold", "3" * 64, None)):
        files = [("engine.bin", b"12345")]
        if layers is not None:
            files.append((FILE, EngineLayers(layers=layers).model_dump_json().encode()))
        facts = BuildFacts(build_s=1, engines=1, engine_sha256=digest, total_ops=69 if model == "one" else None)
        store.put(key(model=model), facts, None, writer(*files))
        (tmp_path / f"{model}.json").write_text(json.dumps(run_data(facts=facts)))
    return tmp_path


@pytest.mark.usefixtures("project")
def test_two_engines_layer_by_layer(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "one/trt-fp16", "other/trt-fp16"]) == ExitCode.PASS
    out = capsys.readouterr().out
    assert f"A: one/trt-fp16 ({key(model='one').digest[:6]}): 1 layers of 69 operators, 0 reformats, 10.0 µs" in out
    assert f"B: other/trt-fp16 ({key(model='other').digest[:6]}): 2 layers, 1 reformats, 42.0 µs at {SHAPE}" in out
    lines = [line.split() for line in out.splitlines()]
    assert ["m/conv", "precision", "Half", "Float", "-", "-", "10.0", "µs", "40.0", "µs", "+30.0", "µs"] in lines
    assert [BRACKETS, "added", "-", "Half", "-", "-", "-", "2.00", "µs", "+2.00", "µs"] in lines
    assert main(["explain", "one/trt-fp16", "one/trt-fp16"]) == ExitCode.PASS
    assert "no layer differs" in capsys.readouterr().out


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("width", [50, 80])
def test_a_narrow_terminal_gets_paragraphs(
    width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["explain", "one/trt-fp16", "other/trt-fp16"]) == ExitCode.PASS
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= width
    assert "precision A Half, B Float, time A 10.0 µs, B 40.0 µs, B - A +30.0 µs" in " ".join(" ".join(lines).split())


@pytest.mark.usefixtures("project")
def test_runs_lead_to_their_engines(capsys: pytest.CaptureFixture[str]) -> None:
    case = str(make_run(usual_times()).replicate.samples[0].case)
    assert main(["explain", "one.json", "other.json", case, "--json"]) == ExitCode.PASS
    changes: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert [change["change"] for change in changes] == ["precision", "added"]
    assert changes[0]["after_s"] == 4e-5


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["one/trt-fp16", "nothing"], "no engine is named 'nothing'; see perfkit engines list"),
        (["one/trt-fp16", "untold/trt-fp16"], "its backend told no layers"),
        (["one/trt-fp16", "other/trt-fp16", "8x3x8x8"], "no layer times at 8x3x8x8 on both sides; there are: 1x3x224x"),
        (["one.json", "other.json"], "one.json is a run: name the CASE to explain"),
        (["one.json", "other.json", "a/b/c"], "one.json has no case a/b/c"),
    ],
)
def test_what_cant_be_explained_is_a_line(arguments: list[str], line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", *arguments]) == ExitCode.USAGE
    assert line in capsys.readouterr().err


def test_an_engine_that_is_gone_is_named(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = BuildFacts(build_s=1, engines=1, engine_sha256="4" * 64)
    (project / "old.json").write_text(json.dumps(run_data(facts=facts)))
    case = str(make_run(usual_times()).replicate.samples[0].case)
    assert main(["explain", "old.json", "one.json", case]) == ExitCode.USAGE
    assert f"the store no longer holds the engine of {case} (444444444444)" in capsys.readouterr().err
