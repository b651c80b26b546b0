"""The page's number of executions is that of the committed output, of all readers that there are."""

from __future__ import annotations

import re
from pathlib import Path

from tests.fuzz.readers import NAMES

ROOT = Path(__file__).resolve().parents[2]


def test_the_page_has_the_number_of_the_output() -> None:
    page = (ROOT / "docs" / "reliability.md").read_text("utf-8")
    (path,) = re.findall(r"\(\.\./(results/reliability/[\w-]+-fuzz\.txt)\)", page)
    first, *counted, last = (ROOT / path).read_text("utf-8").splitlines()
    executions = [int(re.fullmatch(r"[\w-]+: (\d+) executions in \d+ s", line)[1]) for line in counted]  # type: ignore[index]
    assert [line.partition(":")[0] for line in counted] == list(NAMES)
    assert last == f"{len(NAMES)} readers: {sum(executions)} executions"
    seconds = re.search(r"(\d+) s a reader", first)
    assert seconds is not None
    assert f"The longest run so far had {sum(executions):,} executions, {seconds[1]} s a reader" in page
