"""Pseudonyms: the same for the same, whatever text it stands in, and nothing left to tell who or where it was."""

from __future__ import annotations

import platform
import re
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfkit.errors import UserError
from perfkit.judge.verdict import Verdict
from perfkit.record.anonymous import Anonymizer, check_comparable, pseudonym_key
from perfkit.record.provenance import Change
from tests.support import case, make_run

if TYPE_CHECKING:
    from pathlib import Path

KEY = b"k" * 32
UUID = "4d9f1a52-0c1e-4b3f-9a77-0123456789ab"


@pytest.fixture
def anonymous() -> Anonymizer:
    return Anonymizer(KEY, hosts=["gpubox17.corp.example"], users=["Mallory Moe", "mallory"])


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("on gpubox17 it failed", "on host-* it failed"),
        ("on GPUBOX17.corp.example: failed", "on host-*: failed"),
        ("asked by Mallory Moe, mallory too", "asked by user-*, user-* too"),
        ("/home/trudy/models/w.pt is missing", "/folder-*/w.pt is missing"),
        ("'/home/trudy' is missing", "'/folder-*' is missing"),
        ("can't open ~/x/w.pt, /srv/a/b", "can't open /folder-*/w.pt, /folder-*/b"),
        ("/srv/a/mallory.json", "/folder-*/user-*.json"),
        (f"GPU-{UUID} and {UUID}, MIG-{UUID}", "gpu-* and uuid-*, gpu-*"),
        ("https://ana:pw@models.corp.example:8443/a/w.pt?token=x#y", "https://host-*/folder-*/w.pt"),
        ("sqlite:////home/trudy/h.sqlite", "sqlite:///folder-*/h.sqlite"),
        ("ssh://gpubox17", "ssh://host-*"),
        ("trudy@corp.example wrote", "user-* wrote"),
        ("no answer of 10.1.2.3:5432", "no answer of address-*"),
    ],
)
def test_what_is_replaced(anonymous: Anonymizer, text: str, kept: str) -> None:

    assert re.sub("-[0-9a-f]{8}(?![0-9a-f])", "-*", anonymous.text(text)) == kept


@pytest.mark.parametrize(
    "text",
    [
        "resnet18/trt-fp16/1x3x224x224: 13.4 ms, 10 img/s, a / b, and/or",
        "tensorrt 10.15.1.29, driver 580.159.04, 2030-01-01T00:00:00+00:00, 0.97 < 0.99",
        "mobilenet_v2@batch/openvino-int8/8x3x224x224",
        "04068af6e077fbe3 eea9707d4a05c0de20805fda8602afd27f254a07+dirty",
        "root and runner on localhost",
        "benchmarks/test_latency.py::test_latency[resnet18]",
        "",
    ],
)
def test_what_is_left_alone(anonymous: Anonymizer, text: str) -> None:
    assert anonymous.text(text) == text


def test_one_machine_has_one_pseudonym_and_another_key_another(anonymous: Anonymizer) -> None:
    assert anonymous.host("gpubox17") == anonymous.host("GPUBOX17.corp.example") == anonymous.text("gpubox17")
    assert Anonymizer(b"j" * 32).host("gpubox17") != anonymous.host("gpubox17")
    assert anonymous.user("gpubox17") != anonymous.host("gpubox17")


def test_a_pseudonym_stays_what_it_is(anonymous: Anonymizer) -> None:
    once = anonymous.text("mallory on gpubox17 in /home/trudy/models/w.pt")
    again = Anonymizer(KEY, hosts=[anonymous.host("gpubox17")], users=[anonymous.user("mallory")])
    assert anonymous.user(anonymous.user("mallory")) == anonymous.user("mallory")
    assert again.text(once.partition(" in ")[0]) == once.partition(" in ")[0]


def test_this_machine_and_its_user_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/srv/people/Oscar O")
    monkeypatch.setenv("LOGNAME", "oscar.o")
    monkeypatch.setattr(platform, "node", lambda: "workstation9.local")
    text = Anonymizer(KEY).text("oscar.o on workstation9 read /srv/people/Oscar O/a/w.pt")
    assert "scar" not in text
    assert "workstation9" not in text
    assert text.endswith("/w.pt")


def test_a_home_folder_is_no_part_of_another_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/runner")
    anonymous = Anonymizer(KEY)
    for text in ("resnet18/runner/1x3x64x64", "resnet18/runners-fp32", "results/runner/x.json", "/runners"):
        assert anonymous.text(text) == text
    assert anonymous.text("/runner").startswith("/folder-")
    assert anonymous.text("in /runner/x.json: failed").endswith("/x.json: failed")


def test_the_owner_of_a_home_that_is_named_is_a_user_everywhere(anonymous: Anonymizer) -> None:
    data = {"a": ["trudy's run", "/home/trudy/x/y", "/Users/walter/z/w"], "b": {"walter": 1}}
    assert "trudy" in str(anonymous.of(data))
    anonymous.learn([data, "/Users/Shared/x"])
    assert anonymous.text("the GPU is shared") == "the GPU is shared"
    assert "trudy" not in str(anonymous.of(data))
    assert "walter" not in str(anonymous.of(data))


class Named(NamedTuple):
    name: str


@dataclass(frozen=True)
class Nested:
    change: Change
    named: tuple[Named, ...]
    verdict: Verdict
    numbers: list[float]
    path: dict[str, tuple[str, ...]]


def test_every_text_in_models_dataclasses_and_collections_is_made_anonymous(anonymous: Anonymizer) -> None:
    change = Change(action="promote", datetime="2030", by="mallory", accepted=["by mallory"])
    before = Nested(change, (Named("mallory"),), Verdict.PASS, [1.5], {"mallory": ("mallory",)})
    after = anonymous.of(before)
    assert "mallory" not in repr(after)
    assert isinstance(after.change, Change)
    assert (after.verdict, after.numbers, after.change.action) == (Verdict.PASS, [1.5], "promote")
    assert after.named == (Named(anonymous.user("mallory")),)


@given(st.text(alphabet=st.characters(codec="utf-8")), st.text(alphabet=st.characters(codec="utf-8")))
def test_no_text_brings_the_names_through(before: str, after: str) -> None:
    told = Anonymizer(KEY, hosts=["gpubox17"], users=["mallory"]).text(f"{before} gpubox17 mallory {after}")
    assert " gpubox17 " not in told
    assert " mallory " not in told


@pytest.mark.parametrize(
    "text", ["a", "a.", "-", "/", "/a", "=/", "GPU-", "@a.", "a@a.", "1.", "://", "/home/a", "a-", " "]
)
def test_long_texts_are_looked_through_once(text: str) -> None:
    """From each of their characters anew, these would take hours."""
    anonymous = Anonymizer(KEY, hosts=["gpubox17"], users=["mallory"])
    hostile = text * 100_000
    anonymous.learn(hostile)
    assert anonymous.text(hostile)


def test_data_that_is_nested_too_deeply_is_told(anonymous: Anonymizer) -> None:
    nested: list[object] = []
    for _ in range(2000):
        nested = [nested]
    with pytest.raises(UserError, match="nested too deeply"):
        anonymous.of(nested)


def test_cases_that_could_no_longer_be_compared_are_told() -> None:
    before = make_run({case(): (4e-3, 1e-3)}, weights="of mallory").replicate.samples
    after = [sample.model_copy(update={"comparability": {}}) for sample in before]
    check_comparable(before, list(before))
    with pytest.raises(UserError, match="resnet50/trt-fp16/1x3x224x224: its name, weights or settings name a user"):
        check_comparable(before, after)


def test_the_key_is_made_once_and_for_its_user_alone(tmp_path: Path) -> None:
    made = pseudonym_key(tmp_path / "cache")
    assert pseudonym_key(tmp_path / "cache") == made
    assert len(made) == 32
    (file,) = (tmp_path / "cache").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert pseudonym_key(tmp_path / "other") != made


def test_a_key_that_cant_be_kept_is_told_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "anonymize.key").write_bytes(b"short")
    with pytest.raises(UserError, match="is no key of pseudonyms; remove it"):
        pseudonym_key(tmp_path)
    with pytest.raises(UserError, match="the key of the pseudonyms can't be kept: "):
        pseudonym_key(tmp_path / "anonymize.key")
