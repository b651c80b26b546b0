"""docs/scripts/nightly.sh, by made-up programs: each card takes a shard, with a cache of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def test_each_card_builds_and_measures_its_shard(host: Any, tmp_path: Path) -> None:
    (tmp_path / ".perfkit" / "timing").mkdir(parents=True)
    (tmp_path / ".perfkit" / "timing" / "known.bin").touch()
    done = host("nightly.sh", "shards", "merge", SUITE="quick", REPLICATES="2")
    assert (done.returncode, done.stderr) == (0, "")
    log = (tmp_path / "log").read_text().splitlines()
    for number, card in enumerate(("GPU-one", "GPU-two"), start=1):
        build, run = [line for line in log if line.startswith(f"{card}|")]
        assert f"--perfkit-shard {number}/2 --perfkit-divided-by kept/run-{number}/baselines" in build
        assert f"--shard {number}/2 --replicates 2 --repeats 0 --baseline none --results kept/run-{number} --" in run
        assert all("--perfkit-suite quick" in line and line.endswith(f"|.perfkit-{number}") for line in (build, run))
        assert (tmp_path / f".perfkit-{number}" / "timing" / "known.bin").is_file()
        assert (tmp_path / "kept" / f"shard-{number}" / "replicate-2.json").is_file()
    merge = log[-1]
    assert "perfkit merge kept/shard-1 kept/shard-2 --output kept/merged --baseline none" in merge
    assert (tmp_path / "kept" / "merged").is_dir()


def test_what_was_measured_is_not_measured_again(host: Any, tmp_path: Path) -> None:
    assert host("nightly.sh", "shards").returncode == 0
    before = (tmp_path / "log").read_text()
    assert host("nightly.sh", "shards").returncode == 0
    assert (tmp_path / "log").read_text() == before


def test_shards_that_cant_be_merged(host: Any, tmp_path: Path) -> None:
    done = host("nightly.sh", "shards", "merge", MERGED="4")
    assert done.returncode == 1
    assert not (tmp_path / "kept" / "merged").exists()
