from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from perfkit.errors import UserError
from perfkit.report.destination import Destination, check_writable, parse_destinations, write_whole
from perfkit.report.exporter import Format, check_format


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_formats_and_paths() -> None:
    found = parse_destinations(["html:a/b.html", "junit:C:odd.xml"], "--perfkit-report")
    assert found == (Destination(Format.HTML, Path("a/b.html")), Destination(Format.JUNIT, Path("C:odd.xml")))
    assert not Path("a").exists()


@pytest.mark.parametrize(
    ("texts", "told"),
    [
        (["report.html"], "'report.html' is not FORMAT:PATH"),
        (["html:"], "'html:' is not FORMAT:PATH"),
        (["pdf:x.pdf"], "there is no format 'pdf'; there are terminal, markdown, html"),
        (["csv:x", "junit:./x"], "./x is given twice"),
        (["csv:."], ".: is a folder"),
        (["csv:file/x.csv"], "file is no folder"),
    ],
)
def test_what_can_not_work_is_said_before_measuring(texts: list[str], told: str) -> None:
    Path("file").touch()
    with pytest.raises(UserError) as error:
        parse_destinations(texts, "--perfkit-report")
    assert str(error.value).startswith("--perfkit-report: ")
    assert told in str(error.value)


def test_one_file_by_two_names(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is given twice"):
        parse_destinations(["csv:x", f"junit:{tmp_path / 'x'}"], "--perfkit-report")


def test_a_missing_library_is_one_line_with_its_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perfkit.report.exporter.find_spec", lambda _: None)
    with pytest.raises(UserError, match=r"^the format parquet needs pyarrow: pip install 'perfkit\[parquet\]'$"):
        check_format(Format.PARQUET)
    with pytest.raises(UserError, match=r"altair, jinja2, vl_convert: pip install 'perfkit\[report\]'"):
        check_format(Format.HTML)
    check_format(Format.CSV)
    assert importlib.util.find_spec("pyarrow") is not None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission() -> None:
    Path("locked").mkdir(mode=0o500)
    with pytest.raises(UserError, match="can't be written to"):
        check_writable(Path("locked/report.html"))


def test_the_old_file_stays_where_the_new_one_fails() -> None:
    path = Path("reports/x.csv")
    write_whole(path, b"old")
    assert path.read_bytes() == b"old"
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    Path("taken").mkdir()
    (Path("taken") / "x").touch()
    with pytest.raises(UserError, match=r"^taken: cannot be written: "):
        write_whole(Path("taken"), b"new")
    assert [p.name for p in Path().rglob("*.tmp")] == []
    with pytest.raises(UserError, match="File name too long"):
        write_whole(Path("n" * 300), b"new")
