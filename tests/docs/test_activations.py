"""What perfkit.judge.facts says of activations is so in all committed records."""

from __future__ import annotations

import json
import lzma
from collections import defaultdict
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[2] / "results"


def test_all_builds_of_a_model_and_variant_take_the_same_memory_for_activations() -> None:
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    engines: set[str] = set()
    for path in [*RESULTS.glob("h?00/**/*.json.xz"), *RESULTS.glob("h?00/**/*.json")]:
        raw = path.read_bytes()
        data = json.loads(lzma.decompress(raw) if path.suffix == ".xz" else raw)
        for benchmark in data.get("benchmarks", ()) if isinstance(data, dict) else ():
            extra = benchmark["extra_info"]
            facts = extra.get("perfkit", {}).get("facts", {})
            if facts.get("activation_bytes") is not None:
                found[extra["model"], extra["variant"]].add(facts["activation_bytes"])
                engines.add(facts.get("engine_sha256") or "")
    assert len(found) > 40
    assert len(engines) > len(found), "some were built more than once"
    assert {len(sizes) for sizes in found.values()} == {1}
