"""``perfkit engines import``: engines from a file that export wrote."""

import json
from pathlib import Path
from typing import Annotated

import typer

from perfkit.cli.engines.common import CacheOption, line_of, named, open_store
from perfkit.cli.output import JsonOption, write
from perfkit.errors import UserError
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
    """Add the engines of FILE to the store.

    All of them or none, but those that are there: of another build of such an engine the store's stays, exit code 4.

    Loading an engine runs code. So each must be signed with the key in the file that PERFKIT_ENGINE_KEY_FILE names, or
    be one that a reviewed baseline was measured with (--baseline).
    """
    baselines = [] if baseline is None else reviewed_baselines(baseline, DEFAULT_RESULTS)
    samples = [sample for each in baselines for replicate in each.replicates for sample in replicate.samples]
    vouched_for = {sample.engine_manifest_sha256 for sample in samples if sample.engine_manifest_sha256 is not None}
    done = import_entries(open_store(cache), archive, vouched_for)
    if as_json:
        told = {"added": done.added, "known": done.known, "kept": done.kept}
        write(json.dumps({name: [*map(named, entries)] for name, entries in told.items()}, indent=2) + "\n")
    else:
        for entry in done.added:
            write(f"{line_of(entry)}  added\n")
        for entry in done.known:
            write(f"{line_of(entry)}  there already\n")
        for entry in done.kept:
            write(f"{line_of(entry)}  another build of this key is there and stays\n")
    if done.kept:
        count = len(done.added) + len(done.known) + len(done.kept)
        raise UserError(
            f"{len(done.kept)} of {count} engines not imported: the store has another build of each; to have these, "
            "remove its folder engines/DIGEST and import again"
        )
    return ExitCode.PASS
