"""The limits of everything that is read: size, depth, digits, devices, and no reader that runs what it reads."""

from __future__ import annotations

import ast
import os
import threading
from pathlib import Path

import pytest

import perfkit
from perfkit.errors import UserError
from perfkit.untrusted import MAX_DEPTH, MAX_DIGITS, MAX_TOML_BYTES, encodable, parse_json, read_file, read_toml

SOURCE = Path(perfkit.__file__).parent
RUNS_WHAT_IT_READS = {
    # Torch-TensorRT's engines, once the store's checksums fit; and what a process hands to its own child.
    "variants/_torch_tensorrt.py": {"exec", "torch.load"},
    "variants/child.py": {"torch.load"},
}


def read(path: Path) -> bytes:
    return read_file(path, too_large="no file of ours")


def written(path: Path, content: str) -> Path:
    path.write_bytes(content.encode())
    return path


def test_a_device_and_a_folder_are_no_files(tmp_path: Path) -> None:
    """Reading /dev/zero would go on until the limit, a terminal would wait for somebody to type."""
    with pytest.raises(UserError, match=r"^/dev/zero: cannot be read: is a device, no file$"):
        read(Path("/dev/zero"))
    with pytest.raises(UserError, match="is a folder, no file"):
        read(tmp_path)


def test_a_pipe_that_nobody_writes_to_is_empty_and_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "run.json")
    assert read(tmp_path / "run.json") == b""


def test_a_pipe_is_read_to_its_end() -> None:
    """As the shell hands over ``<(git show REF:FILE)``."""
    out, into = os.pipe()

    def write() -> None:
        with os.fdopen(into, "wb") as file:
            file.write(b"x" * 200_000)  # more than a pipe holds

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert read(Path(f"/dev/fd/{out}")) == b"x" * 200_000
    finally:
        writer.join()
        os.close(out)


def test_files_are_left_closed(tmp_path: Path) -> None:
    before = sum(1 for _ in Path("/dev/fd").iterdir())
    for path in (Path("/dev/zero"), tmp_path, tmp_path / "none", written(tmp_path / "file", "x")):
        for _ in range(3):
            try:
                read(path)
            except UserError:
                continue
    assert sum(1 for _ in Path("/dev/fd").iterdir()) == before


@pytest.mark.parametrize("pair", ["[]", '{"a":}'])
def test_depth_ends_at_the_limit(pair: str) -> None:
    opening, closing = pair[:-1], pair[-1]
    parse_json((opening * (MAX_DEPTH - 1) + "[]" + closing * (MAX_DEPTH - 1)).encode(), "x")
    for depth in (MAX_DEPTH, 2000, 200_000):
        with pytest.raises(UserError, match=r"^x: nested too deeply, more than 100 levels$"):
            parse_json((opening * depth + "[]" + closing * depth).encode(), "x")


def test_digits_end_at_the_limit() -> None:
    assert parse_json(b"9" * MAX_DIGITS, "x") == 10**MAX_DIGITS - 1
    with pytest.raises(UserError, match=r"^x: a number of more than 300 digits$"):
        parse_json(b"9" * (MAX_DIGITS + 1), "x")


def test_half_a_surrogate_pair_becomes_its_escape_and_a_whole_one_stays() -> None:
    raw = b'{"\\ud800": ["\\udc00x", "\\ud83d\\ude00", "\\\\ud800"], "plain": 1}'
    assert encodable(parse_json(raw, "x"), raw) == {"\\ud800": ["\\udc00x", "😀", "\\ud800"], "plain": 1}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("a = " + "9" * 5000, "a number of more than 300 digits"),
        ("a = " + "9" * 301, "a number of more than 300 digits"),
        ("a = [{b = 0x" + "f" * 5000 + "}]", "a number of more than 300 digits"),
        ("a = " + "[" * 5000, "nested too deeply"),
        ("a = " + "[" * 200 + "]" * 200, "nested too deeply"),
        (".".join("a" * 200) + " = 1", "nested too deeply"),
        ("\ufeffa = 1", "begins with a byte order mark"),
        ("a = 1\na = 2", "Cannot overwrite a value"),
    ],
)
def test_toml_has_the_same_limits(tmp_path: Path, content: str, told: str) -> None:
    with pytest.raises(UserError, match=rf"^perfkit\.toml: can't be read: {told}"):
        read_toml(written(tmp_path / "perfkit.toml", content))


def test_toml_is_smaller_than_records(tmp_path: Path) -> None:
    path = written(tmp_path / "perfkit.toml", "#" * MAX_TOML_BYTES)
    assert read_toml(path) == {}
    with pytest.raises(UserError, match=r"^perfkit\.toml: larger than 1 MiB, no configuration"):
        read_toml(written(path, "#" * (MAX_TOML_BYTES + 1)))


def test_nothing_that_is_read_is_run() -> None:
    """No pickle, no eval, but for engines, which are as trusted as installed code (docs/reliability.md)."""
    found: dict[str, set[str]] = {}
    for path in SOURCE.rglob("*.py"):
        calls = [
            ast.unparse(node) for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call)
        ]
        runs = {call.partition("(")[0] for call in calls if _runs(call)}
        if runs:
            found[path.relative_to(SOURCE).as_posix()] = runs
    assert found == RUNS_WHAT_IT_READS


def _runs(call: str) -> bool:
    name, _, arguments = call.partition("(")
    if name in ("torch.load", "load_state_dict_from_url", "np.load", "numpy.load"):
        return "weights_only=True" not in arguments
    module = name.partition(".")[0]
    return name in ("eval", "exec", "compile", "__import__", "yaml.load", "extractall") or module in (
        "pickle",
        "cloudpickle",
        "dill",
        "marshal",
        "shelve",
        "joblib",
    )
