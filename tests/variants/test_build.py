from __future__ import annotations

import dataclasses
import warnings

import pytest

from perfkit.catalog.config import Precision
from perfkit.record.facts import BuildFacts
from perfkit.record.layers import EngineLayer, EngineLayers
from perfkit.variants.base import BuildRequest, Built, Variant
from perfkit.variants.build import build_variant
from perfkit.variants.building import release
from perfkit.variants.precision import PrecisionNotDelivered
from perfkit.variants.registry import load_variant
from tests.fakes import BuiltFake


class Talkative(Variant):
    """Warns of everything that it is told to when it is built."""

    name = "talkative"
    cosine_bound = 0.9

    def __init__(self, *said: Warning) -> None:
        self._said = said

    def build(self, request: BuildRequest) -> Built:
        for warning in self._said:
            warnings.warn(warning, stacklevel=1)
        built = BuiltFake(self.name, request.model, lambda outputs: outputs)
        built.facts = BuildFacts(build_s=1.0, notes=["its own note"])
        return built


def notes(request_: BuildRequest, *said: Warning) -> list[str]:
    return build_variant(Talkative(*said), request_).built.facts.notes


def test_what_a_backend_warns_of_is_kept_once_and_in_order(request_: BuildRequest) -> None:
    """Behind the variant's own notes, the first line of each; warnings as errors don't break the build."""
    assert notes(
        request_,
        UserWarning("\nreturning the original module\ndetails"),
        RuntimeWarning("slow kernel"),
        UserWarning("returning the original module"),
        UserWarning(""),
    ) == ["its own note", "returning the original module", "slow kernel", "(empty warning)"]


def test_what_concerns_the_backends_developers_is_left_out(request_: BuildRequest) -> None:
    said = [DeprecationWarning("old call"), FutureWarning("will change"), ResourceWarning("unclosed")]
    assert notes(request_, *said, PendingDeprecationWarning("soon")) == ["its own note", "soon"]


def test_long_and_many_warnings_are_cut(request_: BuildRequest) -> None:
    found = notes(request_, *(UserWarning(f"{i} " + "x" * 300) for i in range(30)))
    assert len(found) == 11
    assert all(len(note) == 200 and note.endswith("...") for note in found[1:])


def test_what_a_backend_raises_comes_through(request_: BuildRequest) -> None:
    class Failing(Talkative):
        def build(self, request: BuildRequest) -> Built:
            raise MemoryError(request.profile)

    with pytest.raises(MemoryError):
        build_variant(Failing(), request_)


def test_the_reference_is_the_model_itself(request_: BuildRequest) -> None:
    """Building it again costs neither memory nor a copy; there is no device whose memory could peak."""
    result = build_variant(load_variant("eager-fp32"), request_)
    assert result.peak_build_bytes is None
    assert result.built.call(request_.example).shape == (1, 192)
    outputs = result.built.call(request_.example)
    assert result.built.unpack(outputs) == (outputs,)
    assert result.built.unpack((outputs, outputs)) == (outputs, outputs)
    result.built.close()
    release()


@pytest.mark.parametrize(
    ("formats", "named_for", "delivered"),
    [
        ({"Float": 55}, ("half", "fp16"), False),
        ({"Float": 54, "Half": 1}, ("half", "fp16"), True),
        ({"Channel major FP16 format where channel % 8 == 0": 1}, ("half", "fp16"), True),
        ({"f32": 21, "u8": 2}, ("i8", "u8"), True),
        ({"f32": 21}, ("i8", "u8"), False),
        ({"Float": 55}, (), True),
        ({}, ("half",), True),
        (None, ("half",), True),
    ],
)
def test_a_build_runs_in_the_precision_that_it_is_named_for(
    request_: BuildRequest, formats: dict[str, int] | None, named_for: tuple[str, ...], delivered: bool
) -> None:
    """Where its layers are known; TensorRT has built "FP16" engines of float layers alone, without a word."""

    class Named(Talkative):
        precision_formats = named_for

        def build(self, request: BuildRequest) -> Built:
            built = super().build(request)
            built.facts = built.facts.model_copy(update={"layer_formats": formats})
            return built

    if delivered:
        assert build_variant(Named(), request_).built.facts.layer_formats == formats
        return
    with pytest.raises(PrecisionNotDelivered, match=r"^precision not delivered: 0 of \d+ layer outputs are "):
        build_variant(Named(), request_)


@pytest.mark.case("B03")
@pytest.mark.parametrize(
    ("precisions", "min_share", "ignore", "reason"),
    [
        (["Half"] * 5, 0.5, [], ""),
        (["Float"] * 55, 0.5, [], "precision not delivered: 0 of 55 compute layers are half (Float)"),
        (["Float", "Float", "Half"], 0.5, [], "precision not delivered: 1 of 3 compute layers are half (Float)"),
        (["Float", "Float", "Half"], 0.3, [], ""),
        (["Float", "Float", "Half"], 0.5, ["*/0"], ""),
        (["Float", "Half"], 0.5, ["layer 1"], "precision not delivered: 0 of 1 compute layers are half (Float)"),
    ],
)
def test_the_share_of_compute_layers_is_proved(
    request_: BuildRequest, precisions: list[str], min_share: float, ignore: list[str], reason: str
) -> None:
    """Where a backend tells its layers; reformats count for nothing, and so does what the user names."""

    class Layered(Talkative):
        precision_formats = ("half",)

        def build(self, request: BuildRequest) -> Built:
            built = super().build(request)
            reformat = EngineLayer(name="copy", kind="Reformat", precision="Half")
            computing = [
                EngineLayer(name=f"layer {i}", kind="CaskConvolution", precision=precision, operators=[f"model/{i}"])
                for i, precision in enumerate(precisions)
            ]
            built.layers = EngineLayers(layers=[reformat, *computing])
            return built

    request_ = dataclasses.replace(request_, precision=Precision(min_share=min_share, ignore=ignore))
    if reason:
        with pytest.raises(PrecisionNotDelivered) as raised:
            build_variant(Layered(), request_)
        assert str(raised.value) == reason
        return
    facts = build_variant(Layered(), request_).built.facts
    assert facts.compute_layers == len(precisions) - len(ignore)
    assert facts.delivered_layers == precisions.count("Half")
    assert facts.reformat_layers == 1
