"""``perfkit explain``: two builds layer by layer."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perfkit.cli.engines.common import CacheOption, is_named, open_store
from perfkit.cli.output import terminal_width, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode
from perfkit.explain.diff import LayerChange
from perfkit.explain.explained import Explained
from perfkit.record.layers import EngineLayers, read_layers
from perfkit.record.read import read_runs
from perfkit.report.layers import render
from perfkit.store.entry import Entry

if TYPE_CHECKING:
    from perfkit.record.replicate import Sample

_SHORTEST_DIGEST = 6
_WIDTH_WITHOUT_TERMINAL = 200
"""Layers have long names, and a log has room."""


def explain(
    a: Annotated[str, typer.Argument(metavar="A", help="An engine (digest or MODEL/VARIANT), or a run file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The other one.")],
    case: Annotated[
        str | None,
        typer.Argument(metavar="CASE", help="MODEL/VARIANT/SHAPE of run files; of engines a SHAPE will do."),
    ] = None,
    cache: CacheOption = None,
    most: Annotated[int, typer.Option("--most", min=1, help="How many layers to show.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print every difference as JSON.")] = False,
) -> int:
    """Tell which layers were added, lost, retimed or changed precision from A to B, the largest difference first.

    Layers are those that the engine store keeps beside each engine. Times are the backend's own profile of a layer,
    taken once when the engine was built.
    """
    entries = [entry for _, entry in open_store(cache).entries() if isinstance(entry, Entry)]
    sides = [_find(name, case, entries) for name in (a, b)]
    layers = [_layers(entry) for entry in sides]
    shape = _shape(case, layers)
    explained = Explained.of(
        names=(_title(sides[0]), _title(sides[1])),
        operators=(sides[0].manifest.facts.total_ops, sides[1].manifest.facts.total_ops),
        layers=(layers[0].layers, layers[1].layers),
        shape=shape,
    )
    if as_json:
        write(json.dumps([_as_json(change) for change in explained.changes], indent=2) + "\n")
    else:
        write(render(explained, most, terminal_width(_WIDTH_WITHOUT_TERMINAL)))
    return ExitCode.PASS


def _find(name: str, case: str | None, entries: list[Entry]) -> Entry:
    """The engine of that name, or the one that a run file's case was measured with.

    Of several with the same name the last used.
    """
    if name.endswith(".json") or Path(name).is_file():
        digest = _engine_of(Path(name), case)
        found = [entry for entry in entries if entry.manifest.facts.engine_sha256 == digest]
        if not found:
            raise UserError(f"{name}: the store no longer holds the engine of {case} ({digest[:12]}); see --cache")
        return found[0]
    found = [entry for entry in entries if is_named(entry, name)]
    if not found:
        raise UserError(f"no engine is named {name!r}; see perfkit engines list")
    return found[0]


def _engine_of(path: Path, case: str | None) -> str:
    if case is None:
        raise UserError(f"{path} is a run: name the CASE to explain, as in resnet18/trt-fp16/1x3x224x224")
    samples: list[Sample] = [sample for run in read_runs(path) for sample in run.replicate.samples]
    named = [sample for sample in samples if str(sample.case) == case]
    if not named:
        raise UserError(f"{path} has no case {case}")
    digest = named[-1].facts.get("engine_sha256")
    if not isinstance(digest, str):
        raise UserError(f"{case} of {path} has no engine to explain")
    return digest


def _layers(entry: Entry) -> EngineLayers:
    found = read_layers(entry.folder)
    if found is None:
        raise UserError(f"{_title(entry)}: its backend told no layers; build it anew with perfkit engines prune")
    return found


def _title(entry: Entry) -> str:
    return f"{entry.key.what} ({entry.folder.name[:_SHORTEST_DIGEST]})"


def _shape(case: str | None, layers: list[EngineLayers]) -> str:
    """The shape that is asked for, else the first that both have times of; "" without any times."""
    timed = [list(dict.fromkeys(shape for layer in side.layers for shape in layer.time_s)) for side in layers]
    both = [shape for shape in timed[0] if shape in timed[1]]
    if case is not None:
        asked = case.rpartition("/")[2]
        if both and asked not in both:
            raise UserError(f"no layer times at {asked} on both sides; there are: {', '.join(both)}")
        return asked if both else ""
    return both[0] if both else ""


def _as_json(change: LayerChange) -> dict[str, Any]:
    return {
        "change": change.kind,
        "before": [layer.model_dump(mode="json") for layer in change.before],
        "after": [layer.model_dump(mode="json") for layer in change.after],
        "before_s": change.before_s,
        "after_s": change.after_s,
    }
