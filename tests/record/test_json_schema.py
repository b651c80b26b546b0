"""docs/schema/ holds the JSON Schema of every file that perfkit writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from perfkit.judge.verdict import Judgement
from perfkit.record.baseline_file import BaselineFile
from perfkit.record.schema import CaseRecord, RunRecord
from tests.golden import assert_golden

if TYPE_CHECKING:
    from pydantic import BaseModel

FOLDER = Path(__file__).parents[2] / "docs" / "schema"


@pytest.mark.parametrize(
    ("name", "model", "mode"),
    [
        ("run", RunRecord, "validation"),
        ("case", CaseRecord, "validation"),
        ("baseline", BaselineFile, "validation"),
        ("judgement", Judgement, "serialization"),
    ],
)
def test_the_exported_schema_is_the_models(
    name: str, model: type[BaseModel], mode: Literal["validation", "serialization"]
) -> None:
    text = json.dumps(model.model_json_schema(mode=mode), indent=2) + "\n"
    assert_golden(FOLDER / f"{name}.schema.json", text)
