"""``perfkit engines import``: engines from a file that export wrote."""

import json
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.engines.common import CacheOption, line_of, named, open_store
from perfkit.cli.output import JsonOption, write
from perfkit.exit_codes import ExitCode
from perfkit.record.baseline import DEFAULT_RESULTS, reviewed_baselines
from perfkit.store.archive import import_entries


def import_engines(
    archive: Annotated[Path, typer.Argument(metavar="FILE", help="The tar file that export wrote.")],
    baseline: Annotated[
        str | None,
        typer.Option(
            metavar="PATH|auto|git:REF",
            help="Also take engines that a reviewed baseline names: this file, those in results/baselines/, or those "
            "that a commit has there.",
        ),
    ] = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> int:
    """Add the engines of FILE to the store, all of them or none.

    Loading an engine runs code. So each must be signed with the key in the file that PERFKIT_ENGINE_KEY_FILE names, or
    be one that a reviewed baseline was measured with (--baseline).
    """
    baselines = [] if baseline is None else reviewed_baselines(baseline, DEFAULT_RESULTS)
    samples = [sample for each in baselines for replicate in each.replicates for sample in replicate.samples]
    vouched_for = {sample.engine_manifest_sha256 for sample in samples if sample.engine_manifest_sha256 is not None}
    added, known = import_entries(open_store(cache), archive, vouched_for)
    if as_json:
        write(json.dumps({"added": [*map(named, added)], "known": [*map(named, known)]}, indent=2) + "\n")
        return ExitCode.PASS
    for entry in added:
        write(f"{line_of(entry)}  added\n")
    for entry in known:
        write(f"{line_of(entry)}  there already\n")
    return ExitCode.PASS
