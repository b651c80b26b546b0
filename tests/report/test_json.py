from __future__ import annotations

import json

import pytest

from perfkit.judge.verdict import Judgement
from perfkit.report.exporter import Report
from perfkit.report.json_ import export
from tests.report.examples import every_kind, first_run


def test_it_is_strict_json_with_everything_in_it() -> None:
    judgement = every_kind()
    data = json.loads(export(Report(judgement)), parse_constant=pytest.fail)
    assert data["kind"] == "perfkit-judgement"
    assert data["schema_version"] == 1
    assert data["exit_code"] == 1
    assert data["counts"]["REGRESSED"] == 1
    assert data["summary"] == judgement.summary
    assert len(data["rows"]) == len(judgement.rows)
    derived = {"exit_code", "counts", "summary"}
    again = Judgement.model_validate({k: v for k, v in data.items() if k not in derived})
    assert again == judgement


def test_a_refusal_has_a_kind_and_a_sentence() -> None:
    data = json.loads(export(Report(first_run())))
    assert data["refusal"]["kind"] == "no baseline"
    assert data["exit_code"] == 10
    assert data["baseline"] is None
