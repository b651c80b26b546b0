"""``perfkit engines prune``: damaged engines out, and the least recently used beyond a size."""

import json
import math
from typing import Annotated

import typer

from perfkit.cli.engines.common import CacheOption, damage_of, line_of, named, open_store
from perfkit.cli.output import JsonOption, write
from perfkit.errors import UserError
from perfkit.exit_codes import ExitCode


def prune_engines(
    max_gb: Annotated[
        float | None,
        typer.Option(min=0, help="The size to keep.  [default: [store] max_gb of the configuration]"),
    ] = None,
    cache: CacheOption = None,
    as_json: JsonOption = False,
) -> int:
    """Remove damaged engines and, beyond the size, those that weren't used for longest."""
    store = open_store(cache)
    if max_gb is not None:
        if not math.isfinite(max_gb):
            raise UserError(f"--max-gb {max_gb}: not a size")
        store.max_bytes = int(max_gb * 10**9)
    removed: list[dict[str, str]] = []
    lines = []
    for digest, entry in store.entries():
        damage = damage_of(entry)
        # Looked at once more under its lock: another process may have mended it meanwhile.
        if damage and store.remove_if(digest, lambda now: bool(damage_of(now))):
            removed.append({"digest": digest, "why": f"damaged: {damage}"})
            lines.append(f"{digest[:12]}  removed: damaged: {damage}")
    for entry in store.evict():
        removed.append({**named(entry), "why": "least recently used"})
        lines.append(f"{line_of(entry)}  removed: least recently used")
    if as_json:
        write(json.dumps(removed, indent=2) + "\n")
    else:
        write("\n".join([*lines, f"{len(removed)} engine{'' if len(removed) == 1 else 's'} removed"]) + "\n")
    return ExitCode.PASS
