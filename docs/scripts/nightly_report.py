"""perfkit's own report of the nightly suite that docs/results.md is of.

``python docs/scripts/nightly_report.py`` merges the shards as ``perfkit merge`` does and writes the report beside them,
as Markdown and packed as HTML. Of each shard it takes the processes that all of them have, for a run has as many of
each.
"""

from __future__ import annotations

import contextlib
import io
import lzma
import os
import tempfile
from pathlib import Path
from unittest import mock

from packed import content
from results_tables import EARLIER

from perfkit.cli import main as perfkit
from perfkit.exit_codes import ExitCode

MARKDOWN = EARLIER / "report.md"
HTML = EARLIER / "report.html.xz"


def made(form: str) -> bytes:
    """The report in a form that ``perfkit report`` knows."""
    shards = sorted(EARLIER.glob("shard-*"))
    common = set.intersection(*({path.name for path in shard.iterdir()} for shard in shards))
    with (
        tempfile.TemporaryDirectory() as folder,
        contextlib.chdir(folder),
        mock.patch.dict(os.environ, {"PERFKIT_HISTORY": "none"}),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        for shard in shards:
            Path(shard.name).mkdir()
            for name in common:
                Path(shard.name, name.removesuffix(".xz")).write_bytes(content(shard / name))
        code = perfkit(["merge", *(shard.name for shard in shards), "--output=nightly", "--baseline=none"])
        assert code == ExitCode.FAIL, "some cases are BROKEN"
        assert perfkit(["report", "nightly", "--baseline=none", f"--format={form}", "--output=report"]) == 0
        return Path("report").read_bytes()


if __name__ == "__main__":
    MARKDOWN.write_bytes(made("markdown"))
    HTML.write_bytes(lzma.compress(made("html")))
