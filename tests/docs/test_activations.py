"""What perfkit.judge.facts says of activations is so in all committed records."""

from __future__ import annotations

import json
import runpy
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_all_builds_of_a_model_and_variant_take_the_same_memory_for_activations() -> None:
    content = runpy.run_path(str(ROOT / "docs" / "scripts" / "packed.py"))["content"]
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    engines: set[str] = set()
    for path in [*ROOT.glob("results/h?00/**/*.json.xz"), *ROOT.glob("results/h?00/**/*.json")]:
        data = json.loads(content(path))
        for benchmark in data.get("benchmarks", ()) if isinstance(data, dict) else ():
            extra = benchmark["extra_info"]
            facts = extra.get("perfkit", {}).get("facts", {})
            if facts.get("activation_bytes") is not None:
                found[extra["model"], extra["variant"]].add(facts["activation_bytes"])
                engines.add(facts.get("engine_sha256") or "")
    assert len(found) > 40
    assert len(engines) > len(found), "some were built more than once"
    assert {len(sizes) for sizes in found.values()} == {1}
