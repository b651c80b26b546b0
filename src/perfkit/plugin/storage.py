"""pytest-benchmark's file storage with an atomic, strict save: a killed run leaves no half-written newest file."""

from __future__ import annotations

from typing import Any

from pytest_benchmark.storage.file import FileStorage

from perfkit.record.write import write_json_atomic


class AtomicStorage:
    """Stands in for a FileStorage; everything but ``save`` is the original's."""

    def __init__(self, original: FileStorage) -> None:
        self._original = original

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)

    def __str__(self) -> str:
        return str(self._original)

    def save(self, output_json: dict[str, Any], save: str) -> None:
        """Writes NNNN_``save``.json under the next free number, as the original does.

        Raises ValueError instead of writing a bare NaN or infinity.
        """
        numbers = [
            int(path.name[:4]) for path in self._original.query("[0-9][0-9][0-9][0-9]_*") if path.name[:4].isdigit()
        ]
        path = self._original.get(f"{max(numbers, default=0) + 1:04}_{save}.json")
        write_json_atomic(path, output_json)
        self._original.logger.info(f"Saved benchmark data in: {path}")
