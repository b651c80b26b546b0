"""Records as they are committed: plain files, or packed ones (.xz), for a large run is a tenth of its size then."""

from __future__ import annotations

import contextlib
import lzma
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


def content(path: Path) -> bytes:
    """What a file holds, unpacked."""
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


@contextlib.contextmanager
def plain(path: Path) -> Iterator[Path]:
    """The file or folder itself; of a packed file, or a folder of them, a folder with what they hold."""
    packed = [path] if path.suffix == ".xz" else sorted(path.glob("*.json.xz"))
    if not packed:
        yield path
        return
    with tempfile.TemporaryDirectory() as name:
        for one in packed:
            (Path(name) / one.stem).write_bytes(content(one))
        yield Path(name)
