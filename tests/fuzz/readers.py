"""Every reader of what somebody else may have written: bytes in, and a UserError for all that it refuses.

One table for the tests (test_readers.py) and for atheris (atheris_main.py). What is read is used as the commands use
it, for what a reader lets through must not break those either.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from perfkit.catalog.case import CaseId, Platform, parse_shape
from perfkit.catalog.config import load_config
from perfkit.catalog.fault import parse_fault
from perfkit.catalog.renaming import Renaming
from perfkit.catalog.waivers import WAIVER_FILE, load_waivers
from perfkit.cli.since import since_s
from perfkit.errors import UserError
from perfkit.explain.explained import Explained
from perfkit.judge.compare import judge
from perfkit.judge.limits import Limits
from perfkit.judge.metric import Metric
from perfkit.judge.plain import cannot_be_judged
from perfkit.measure.affinity import parse_cpus
from perfkit.record.baseline import read_baseline
from perfkit.record.baseline_file import baseline_json
from perfkit.record.details import read_details
from perfkit.record.foreign import Pattern, named_by
from perfkit.record.journal import RUN_JOURNAL, read_journal, run_json
from perfkit.record.journal_file import line_of, read_journal_lines
from perfkit.record.json_file import parse_json_object
from perfkit.record.layers import FILE, EngineLayers, read_layers
from perfkit.record.read import read_run, run_from_json
from perfkit.replicates.request import read_request
from perfkit.report.exporter import Format, Report, load_exporter
from perfkit.report.layers import render
from perfkit.store.archive import import_entries
from perfkit.store.engine_store import EngineStore
from perfkit.store.entry import MANIFEST, Damaged, read_entry
from perfkit.variants._inspector import described_layers, engine_facts, engine_layers
from tests.fuzz import seeds
from tests.store.support import key
from tests.support import make_run

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from perfkit.record.baseline import Baseline
    from perfkit.record.replicate import Run

NAMES = (
    "run",
    "baseline",
    "import",
    "journal",
    "journal-records",
    "run-journal",
    "config",
    "pyproject",
    "waivers",
    "manifest",
    "layers",
    "archive",
    "inspector",
    "options",
)
SHOWN = (Format.TERMINAL, Format.MARKDOWN, Format.JSON, Format.JUNIT, Format.CSV, Format.OPENMETRICS)


@dataclass(frozen=True)
class Reader:
    """What takes bytes, and valid ones to begin with."""

    read: Callable[[bytes], object]
    """Raises UserError, and nothing else, for what it doesn't take."""
    seeds: tuple[bytes, ...]


def readers(folder: Path) -> dict[str, Reader]:
    """Those of NAMES; what has to be a file is one in `folder`."""
    return {
        "run": Reader(partial(_run, folder), seeds.runs()),
        "baseline": Reader(partial(_baseline, folder), seeds.baselines()),
        "import": Reader(_import, seeds.plain()),
        "journal": Reader(partial(_journal, folder), (b"".join(map(line_of, seeds.records())),)),
        "journal-records": Reader(
            partial(_journal_records, folder), (b"\n".join(map(seeds.as_json, seeds.records())),)
        ),
        "run-journal": Reader(partial(_run_journal, folder), (seeds.as_json(seeds.request()),)),
        "config": Reader(partial(_config, folder, "perfkit.toml"), (seeds.tables(),)),
        "pyproject": Reader(
            partial(_config, folder, "pyproject.toml"), ((seeds.ROOT / "pyproject.toml").read_bytes(),)
        ),
        "waivers": Reader(partial(_waivers, folder), (seeds.WAIVERS,)),
        "manifest": Reader(partial(_manifest, folder), (seeds.stored(folder),)),
        "layers": Reader(partial(_layers, folder), tuple(map(seeds.told_layers, seeds.inspected()))),
        "archive": Reader(partial(_archive, folder), (seeds.exported(folder), seeds.foreign_archive())),
        "inspector": Reader(_inspector, seeds.inspected()),
        "options": Reader(_options, tuple(text.encode() for text in seeds.OPTIONS)),
    }


def _run(folder: Path, raw: bytes) -> None:
    path = _written(folder / "run.json", raw)
    read_details(path)
    _shown([read_run(path)], seeds.usual_baseline())


def _baseline(folder: Path, raw: bytes) -> None:
    baseline = read_baseline(_written(folder / "baseline.json", raw))
    seeds.as_json(baseline_json(baseline.hardware, baseline.replicates, baseline.reason, changes=baseline.changes))
    _shown([make_run(seeds.CASES, rounds=5, day=9)], baseline)


def _import(raw: bytes) -> None:
    data = parse_json_object(raw, "their.json")
    runs = [run_from_json(data, "their.json")]
    with suppress(UserError):  # most files have other names
        named, _ = named_by(Pattern("test[{model}/{variant}/{shape}]"), "eager-fp32", data, "their.json")
        runs.append(run_from_json(named, "their.json"))
    for run in runs:
        list(cannot_be_judged(run))
        _shown([run], None)


def _journal(folder: Path, raw: bytes) -> None:
    _shown([run_from_json(run_json(read_journal(_written(folder / "replicate-1.journal", raw))), "journal")], None)


def _journal_records(folder: Path, raw: bytes) -> None:
    """What stands in a journal whose checksums fit."""
    lines = []
    for line in raw.split(b"\n"):
        try:
            lines.append(line_of(parse_json_object(line, "line")))
        except ValueError as error:
            raise UserError(str(error)) from None
    _journal(folder, b"".join(lines))


def _run_journal(folder: Path, raw: bytes) -> None:
    try:
        _written(folder / RUN_JOURNAL, line_of(parse_json_object(raw, "line")))
    except ValueError as error:
        raise UserError(str(error)) from None
    list(read_journal_lines(folder / RUN_JOURNAL))
    read_request(folder)


def _config(folder: Path, name: str, raw: bytes) -> None:
    path = _written(folder / name, raw)
    try:
        config = load_config(folder)
    finally:
        path.unlink()
    limits, case = Limits.of(config), CaseId("resnet50", "trt-int8", "1x3x224x224")
    for metric in Metric:
        limits.minimum_effect(case, metric)
        limits.tolerance(case, metric, Platform.CPU)
    limits.minimum_speeds(case)
    config.model_dump_json()
    _ = config.store.max_bytes
    if config.measure.cpu_affinity is not None and config.measure.cpu_affinity[0].isdigit():
        parse_cpus(config.measure.cpu_affinity)
    for name_of_suite, suite in config.suites.items():
        config.suite(name_of_suite)
        for model in suite.models:
            profile = config.profile(config.model_entry(model.partition("@")[0]).profile)
            config.shapes(suite, model.partition("@")[0], profile)


def _waivers(folder: Path, raw: bytes) -> None:
    path = _written(folder / WAIVER_FILE, raw)
    try:
        waivers = load_waivers(folder)
    finally:
        path.unlink()
    _shown([make_run(dict.fromkeys(seeds.CASES, (0.004, 0.003)), rounds=5, day=9)], seeds.usual_baseline(), waivers)


def _manifest(folder: Path, raw: bytes) -> None:
    entry_folder = folder / "entry" / key().digest
    entry_folder.mkdir(parents=True, exist_ok=True)
    _written(entry_folder / "engine.bin", b"12345")
    _written(entry_folder / MANIFEST, raw)
    try:
        entry = read_entry(entry_folder)
        entry.verify()
    except Damaged as damage:
        raise UserError(str(damage)) from None
    key(tensorrt="10.15").differences(entry.key)
    assert all((entry_folder / file.name).parent == entry_folder for file in entry.manifest.files)


def _layers(folder: Path, raw: bytes) -> None:
    _written(folder / FILE, raw)
    found = read_layers(folder)
    assert found is not None
    usual = EngineLayers.model_validate_json(seeds.told_layers(b'{"Layers": ["conv1", "relu"]}'))
    shape = next((shape for layer in found.layers for shape in layer.time_s), "")
    for sides in ((found.layers, usual.layers), (usual.layers, found.layers)):
        explained = Explained.of(names=("a", "b"), operators=(3, None), layers=sides, shape=shape)
        render(explained, 20, 100)


def _archive(folder: Path, raw: bytes) -> None:
    inside = folder / "inside"
    inside.mkdir(exist_ok=True)
    store = EngineStore(inside / "store", 2**40)
    before = _names(folder, inside)
    try:
        import_entries(store, _written(inside / "engines.tar", raw))
    finally:
        assert _names(folder, inside) == before, "something was written outside of the store's folder"


def _inspector(raw: bytes) -> None:
    described = described_layers(raw.decode("utf-8", "replace"))
    layers = engine_layers(described, {"1x3x224x224": {"conv1": 1e-5}})
    EngineLayers(layers=layers).computing(["*conv*"])
    engine_facts([raw], described, build_s=1.0)


def _options(raw: bytes) -> None:
    """One option each, all that hold text of the user's; the first that takes it ends the list."""
    text = raw.decode("utf-8", "surrogateescape")
    refused: list[UserError] = []
    takers: tuple[Callable[[str], object], ...] = (
        parse_shape,
        since_s,
        lambda text: str(parse_fault(text)),
        lambda text: Pattern(text).fields("bench.py::test[resnet50/eager-fp32/1x3x224x224]"),
        lambda text: Renaming(*text.partition(" ")[::2])(CaseId("resnet50", "eager-fp32", "1x3x224x224")),
    )
    for taker in takers:
        try:
            taker(text)
        except UserError as error:
            refused.append(error)
    if len(refused) == len(takers):
        raise refused[0]


def _shown(runs: Sequence[Run], baseline: Baseline | None, waivers: Sequence[Any] = ()) -> None:
    judgement = judge(baseline, runs, waivers=waivers)
    for form in SHOWN:
        load_exporter(form)(Report(judgement, runs=tuple(runs), baseline=baseline))


def _written(path: Path, raw: bytes) -> Path:
    path.write_bytes(raw)
    return path


def _names(folder: Path, but: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path != but and but not in path.parents}
