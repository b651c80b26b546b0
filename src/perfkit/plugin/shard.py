"""Which part of a run a session is: its own models of the plan, and as what it is recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from perfkit.catalog.shards import part_of
from perfkit.record.code import code_in
from perfkit.record.shard import Shard

if TYPE_CHECKING:
    from pathlib import Path

    from perfkit.catalog.plan import Plan
    from perfkit.plugin.options import Options


def part_of_run(whole: Plan, options: Options, root: Path) -> tuple[Plan, Shard | None]:
    """What this session measures of the plan; all of it, and None, where it is no shard.

    Raises UserError where there are more shards than models, and for a baseline that can't be read.
    """
    if options.shard is None:
        return whole, None
    # Nearly all sessions are no shards, and plan their cases without reading baselines.
    from perfkit.record.shard_weights import model_weights_s, reviewed_replicates

    reviewed = reviewed_replicates(options.divided_by, whole.platform) if options.divided_by is not None else []
    part = part_of(whole, model_weights_s(whole, reviewed), options.shard)
    return part, Shard(**options.shard._asdict(), plan=list(whole.cases()), code=code_in(root))
