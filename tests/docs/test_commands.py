"""What the pages say to type is typed, where that needs no network, no GPU and no minutes; else it says why not.

The blocks ``sh`` of a page are run in order, in one project, as far as they are commands of perfkit. Times are made up
(tests.docs.made_up_times); processes, files, git and exit codes are real.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from perfkit.record.facts import BuildFacts
from perfkit.record.layers import FILE, EngineLayer, EngineLayers
from tests.cli.test_import import write_plain
from tests.docs.commands import PAGES, Step, commands_of, commit, ended, left_out, measured, project, walk
from tests.store.support import SECRET, key, new_store, writer

if TYPE_CHECKING:
    from pathlib import Path

NETWORK = "installs packages from an index, and tox itself"
CONTAINERS = "needs a container engine; tests/docker looks at what it builds from"
HOST = "is for a GPU's host and its administrator"
RAY = "starts Ray, which takes a while; tests/fleet/test_on_ray.py does it"
MEASURES = "measures for minutes"
WEIGHTS = "fetches trained weights, and packs them"
ENV = "is a file's, not a shell's"
CASE = "resnet18/openvino-fp32/1x3x224x224"
DATED = "results/runs/20261126_021709_123456"
WAIVER = """[[waiver]]
case = "resnet18/*/*"
metric = "*"
size = "30%"
owner = "ana"
reason = "a test"
expires = 2026-01-01
"""


def runs(folder: Path) -> list[Path]:
    return sorted((folder / "results" / "runs").iterdir())


def let_it_die(folder: Path) -> None:
    """The newest run, before its last replicate."""
    run = runs(folder)[-1]
    (run / "replicate-3.json").unlink()
    lines = (run / "run.journal").read_text("utf-8").splitlines(keepends=True)
    (run / "run.journal").write_text("".join(line for line in lines if '"kind":"verdicts"' not in line), "utf-8")


def commit_all(folder: Path) -> None:
    commit(folder, "All of it")


def promote_the_night(folder: Path) -> None:
    ended(folder, f"perfkit promote {runs(folder)[1]}", 0)


def rename_the_shards(folder: Path) -> None:
    """Brought together from three machines."""
    for number, run in enumerate(runs(folder)[-3:], 1):
        run.rename(folder / f"shard-{number}")


def change_the_suite(folder: Path) -> None:
    with (folder / "perfkit.toml").open("a", encoding="utf-8") as file:
        file.write("# of the GPU host\n")


def another_host(folder: Path) -> None:
    """Without engines yet."""
    shutil.rmtree(folder / ".perfkit" / "engines")


def slow_down(folder: Path) -> None:
    """Two commits later the variants take twice their time."""
    for number, calls in ((1, 1), (2, 2)):
        path = folder / "src" / "perfkit_example" / "variants.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"# {number}\n" + "self._module(inputs)\n" * calls, encoding="utf-8")
        commit(folder, f"Change {number}")


def share_a_key(folder: Path) -> None:
    store_engines(folder)
    (folder / "home" / "engine-key").write_bytes(SECRET)


def store_engines(folder: Path) -> None:
    store = new_store(folder / ".perfkit")
    for variant, precision in (("openvino-fp32", "Float"), ("openvino-int8", "Int8")):
        layers = EngineLayers(layers=[EngineLayer(name="a", kind="Convolution", precision=precision)])
        files = writer(("engine.bin", b"12345"), (FILE, layers.model_dump_json().encode()))
        store.put(key(model="resnet18", variant=variant), BuildFacts(build_s=1, engines=1), None, files)


def waive_until_yesterday(folder: Path) -> None:
    (folder / "perfkit-waivers.toml").write_text(WAIVER, encoding="utf-8")


def import_theirs(folder: Path) -> None:
    write_plain(folder / "their.json", {"test_infer[resnet50-torch-224]": 4e-3, "test_infer[resnet50-trt-224]": 1e-3})


STEPS = {
    "README.md": left_out(NETWORK, "python3 -m venv", "python3 -m venv"),
    "CONTRIBUTING.md": left_out(NETWORK, "python3 -m venv"),
    "docs/air-gapped.md": [
        *left_out(NETWORK, "pip download", "python3 -m venv", "pip install --no-index", "pip install --no-index"),
        *left_out(NETWORK, "pip install --require-hashes", "pip wheel", "pip install --no-index"),
        *left_out(WEIGHTS, "export TORCH_HOME=", "python3 -c 'from torchvision", "tar cf weights.tar"),
        Step("export PERFKIT_ENGINE_KEY_FILE=$HOME/engine-key", before=share_a_key),
        Step("perfkit engines sign", says="openvino-int8 .* signed"),
        Step("perfkit engines export engines.tar", leaves="engines.tar"),
        Step("perfkit engines import engines.tar", says="openvino-int8 .* added", before=another_host),
    ],
    "docs/ci.md": [Step("perfkit run --baseline git:origin/main || {", says="git:origin/main")],
    "docs/containers.md": [
        *left_out(CONTAINERS, "docker/build cpu", "docker run", "run=(docker run", '"${run[@]}" perfkit:cpu'),
        *left_out(CONTAINERS, "docker/build gpu", "docker run --rm --gpus", '"${run[@]}" --gpus'),
        *left_out(HOST, "nvidia-smi"),
        *left_out(CONTAINERS, "export PERFKIT_DB_PASSWORD", "export PERFKIT_UID", *["docker compose"] * 4),
        *left_out(CONTAINERS, "PERFKIT_GPU=GPU-... docker compose"),
    ],
    "docs/exit-codes.md": [Step("perfkit compare auto results/run.json ||", says="no baseline for this hardware")],
    "docs/fleet.md": [
        *left_out(NETWORK, "pip install 'perfkit[ray]'"),
        *left_out(RAY, "perfkit run --on ray", "perfkit run --on ray://head.example:10001"),
        Step("perfkit run --budget 2h", says="2 of 2 replicates"),
    ],
    "docs/gate.md": [
        *left_out(NETWORK, "pip install -e '.[cpu,report]'"),
        Step("perfkit doctor", says="remarks"),
        Step("pytest benchmarks/ --benchmark-autosave", 10, "promote one with", "results/*bit/0001_*.json"),
        Step("perfkit run --replicates 5", 10, leaves="results/runs/*/replicate-5.json"),
        Step("perfkit promote results/runs/*", leaves="results/baselines/*.json"),
        Step("perfkit run --replicates 3", says="6 PASS", before=commit_all),
        Step("perfkit run --resume", says="6 PASS", before=let_it_die),
        Step("perfkit run --shard 1/3", says="shard 1/3 of a run"),
        *left_out(RAY, "perfkit run --on ray --budget 2h"),
        Step("pytest benchmarks/ --benchmark-autosave", leaves="results/*bit/0002_*.json"),
        Step("perfkit compare auto results/*bit/0002_*.json", says="6 PASS"),
        Step("perfkit report results/*bit/0002_*.json", leaves="report.html"),
        Step("perfkit explain", says="^a +precision +Float +Int8", before=store_engines),
        Step("perfkit baseline diff", says="resnet18/openvino-fp32/1x3x224x224", before=promote_the_night),
        Step("perfkit baseline rename", says="is now resnet/eager-fp32/1x3x224x224"),
        Step("perfkit baseline show", says="promote by"),
        Step("perfkit waivers check", 1, "expired", before=waive_until_yesterday),
        Step("perfkit engines list", says="2 engines"),
        Step("perfkit anonymize results/runs/* --output public", leaves="public/*"),
        Step("perfkit history resnet18/openvino-fp32/1x3x224x224", says="1.6.x .* PASS$"),
        Step("perfkit report --trend", leaves="t.html"),
        Step("perfkit trends", says="no series"),
        *left_out("docs/history.md has it in full, where it is run", "perfkit bisect CASE GOOD BAD -- COMMAND"),
        Step("perfkit import their.json", says="can't be judged: speedups", before=import_theirs),
        *left_out(f"{MEASURES}; tests/cli/test_drill.py makes its nights up", "perfkit drill"),
        Step("perfkit drill --offline", says="one case vanished +6 of 6"),
    ],
    "docs/history.md": [
        Step("perfkit history resnet18/openvino-fp32/1x3x224x224", says="▁"),
        Step("perfkit history 'resnet18/*' --since 90d", says="^resnet18/openvino-fp32/1x3x224x224 .*▁"),
        Step("perfkit history 'resnet18/*' --metric engine_bytes --csv", says="^resnet18,openvino-fp32,1x3x224x224,"),
        Step("perfkit trends", says="no series"),
        Step("perfkit bisect CASE GOOD BAD -- perfkit run", says="got worse at .*: Change 2$", before=slow_down),
        Step("perfkit baseline rename", says="is now resnet50_v2/eager-fp32/1x3x224x224"),
        Step("perfkit history rename", says="is now resnet50_v2/eager-fp32/1x3x224x224"),
        Step("perfkit import their.json --pattern", says="the pattern fits 2, 1 speedup", before=import_theirs),
    ],
    "docs/own-models.md": [
        *left_out("is of real models; tests/examples does it", "cd examples/own-models", "pip install", "pytest"),
    ],
    "docs/reports.md": [
        Step("perfkit report results/runs/20261126_021709_123456", says="6 PASS"),
        Step("perfkit report run.json --format html --output report.html", leaves="report.html"),
        Step("perfkit report run.json --baseline other-run/", leaves="junit.xml"),
        Step("perfkit report --trend --format html --output trend.html", leaves="trend.html"),
        Step("pytest benchmarks/ --benchmark-autosave --perfkit-report", 0, "html report: out/", "out/junit.xml"),
        Step("perfkit report RUN --format html --output report.html --anonymize", leaves="report.html"),
        Step("perfkit promote RUN --anonymize", says="added to .*: 4 replicates"),
        Step("perfkit anonymize results/runs/20261126_021709_123456", leaves="public/*"),
    ],
    "docs/self-hosted-runners.md": [
        *left_out(HOST, *["nvidia-smi"] * 3, "sudo nvidia-smi", "nvidia-smi", "sudo nvidia-smi", "sudo cpupower"),
        *left_out("registers a runner with GitHub", "./config.sh", "sudo ./svc.sh"),
        *left_out(ENV, "CUDA_VISIBLE_DEVICES=", "PERFKIT_HISTORY=", "PERFKIT_ENGINE_KEY_FILE="),
        Step('export PERFKIT_CACHE="$HOME/.cache/perfkit"'),
        *left_out("docs/gate.md has it", "perfkit doctor"),
        Step("perfkit run --replicates 1 --baseline none --results ../look --", 10),
        Step("git add perfkit.toml && git commit", before=change_the_suite),
        Step("perfkit run --replicates 5 -- benchmarks/ --perfkit-suite nightly", 10),
        Step("perfkit run --replicates 5 -- benchmarks/ --perfkit-suite nightly-fp16", 10),
        Step("perfkit promote results/runs/*", leaves="results/baselines/*.json"),
        Step("git add results/baselines && git commit"),
    ],
    "docs/sharding.md": [
        *(Step(f"perfkit run --shard {number}/3 --replicates 3", says="2 PASS") for number in (1, 2, 3)),
        Step("perfkit merge shard-1 shard-2 shard-3", says="6 PASS", before=rename_the_shards),
    ],
    "docs/side-by-side.md": [
        *left_out(MEASURES, "python -m benchmarks.side_by_side.measure"),
        *left_out("tests/docs/test_pages.py runs it", "python docs/scripts/side_by_side.py"),
        *left_out(NETWORK, "uv venv", *["uv pip install"] * 3),
        *left_out("needs a GPU", "python -m benchmarks.side_by_side.measure"),
    ],
    "docs/tolerances.md": [
        Step("for night in results/runs/*/; do perfkit compare", says="same run.*(?s:.*)6 PASS"),
        Step("perfkit drill --offline results/runs/NIGHT", says="one case slower by 30%"),
    ],
}


@pytest.mark.parametrize("page", sorted({*STEPS, *filter(commands_of, PAGES)}))
def test_every_command_is_run_or_it_is_said_why_not(page: str) -> None:
    found, known = commands_of(page), STEPS.get(page, [])
    strangers = [
        f"{command!r} is where the test has {step.command!r}"
        for command, step in zip(found, known, strict=False)
        if not command.startswith(step.command)
    ]
    assert strangers == []
    assert found[len(known) :] == [], "not in the test"
    assert [step.command for step in known[len(found) :]] == [], "not on the page"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return measured(tmp_path_factory.mktemp("template") / "project")


def with_runs(folder: Path, template: Path) -> Path:
    """Three replicates that are the baseline, and a night."""
    shutil.copytree(template, folder)
    return folder


def empty(folder: Path, _: Path) -> Path:
    return project(folder)


def with_a_file(folder: Path, template: Path) -> Path:
    night = runs(with_runs(folder, template))[-1]
    shutil.copyfile(night / "replicate-1.json", folder / "results" / "run.json")
    shutil.rmtree(folder / "results" / "baselines")
    return folder


def with_named_runs(folder: Path, template: Path) -> Path:
    three, night = runs(with_runs(folder, template))
    shutil.copyfile(night / "replicate-1.json", folder / "run.json")
    three.rename(folder / "other-run")
    night.rename(folder / DATED)
    return folder


SETUPS = {
    "docs/air-gapped.md": empty,
    "docs/exit-codes.md": with_a_file,
    "docs/gate.md": empty,
    "docs/reports.md": with_named_runs,
    "docs/self-hosted-runners.md": empty,
}
NAMED = {"RUN": DATED, "CASE": CASE, "GOOD": "HEAD~2", "BAD": "HEAD", "NIGHT": "$(ls results/runs | tail -n 1)"}
QUICKER = {
    "docs/ci.md": {"perfkit run": "perfkit run --replicates 1"},
    "docs/gate.md": {"--format html": "--format markdown", "--shard 1/3": "--shard 1/3 --replicates 1"},
    "docs/fleet.md": {"--budget 2h": "--budget 2h --replicates 2"},
    "docs/history.md": {"--replicates 3": "--replicates 1 --repeats 0"},
    "docs/reports.md": {"--format html --output report.html --anonymize": "--output report.html --anonymize"},
    "docs/self-hosted-runners.md": {"--replicates 5": "--replicates 1"},
    "docs/sharding.md": {"--replicates 3": "--replicates 1"},
}
"""Fewer processes and HTML files, for they take seconds: docs/gate.md has all processes, docs/reports.md most files."""


@pytest.mark.parametrize("page", [page for page, steps in STEPS.items() if any(not step.why_not for step in steps)])
def test_the_commands_of_a_page_do_what_it_says(page: str, template: Path, tmp_path: Path) -> None:
    folder = SETUPS.get(page, with_runs)(tmp_path / "project", template)
    walk(page, STEPS[page], folder, NAMED | QUICKER.get(page, {}))
