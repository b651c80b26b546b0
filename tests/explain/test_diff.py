from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perfkit.explain.diff import ChangeKind, differences, sums
from perfkit.record.layers import EngineLayer

SHAPE = "1x3x224x224"


def layer(
    *operators: str, precision: str = "Half", us: float | None = 10.0, tactic: str = "t", name: str = ""
) -> EngineLayer:
    return EngineLayer(
        name=name or "+".join(operators),
        kind="Convolution",
        precision=precision,
        tactic=tactic,
        operators=list(operators),
        time_s={} if us is None else {SHAPE: us * 1e-6},
    )


layers = st.lists(
    st.builds(
        layer,
        st.sampled_from("abcde"),
        st.sampled_from("abcde"),
        precision=st.sampled_from(["Half", "Float"]),
        us=st.none() | st.floats(0, 1000),
        tactic=st.sampled_from(["t", "u"]),
    ),
    max_size=6,
)


@given(layers)
def test_an_engine_does_not_differ_from_itself(one: list[EngineLayer]) -> None:
    assert differences(one, one, SHAPE) == []


@given(layers, layers)
def test_the_other_way_round_it_is_the_opposite(one: list[EngineLayer], other: list[EngineLayer]) -> None:
    opposite = {
        ChangeKind.LOST: ChangeKind.ADDED,
        ChangeKind.ADDED: ChangeKind.LOST,
        ChangeKind.SPLIT: ChangeKind.FUSED,
        ChangeKind.FUSED: ChangeKind.SPLIT,
    }
    there = [
        (opposite.get(c.kind, c.kind), c.after, c.before, c.after_s, c.before_s) for c in differences(one, other, SHAPE)
    ]
    back = [(c.kind, c.before, c.after, c.before_s, c.after_s) for c in differences(other, one, SHAPE)]
    assert sorted(map(repr, there)) == sorted(map(repr, back))


@given(layers, layers)
def test_sums_hold_every_layer_once(one: list[EngineLayer], other: list[EngineLayer]) -> None:
    rows = sums(one, other, SHAPE)
    assert (sum(row.before for row in rows), sum(row.after for row in rows)) == (len(one), len(other))


def test_what_happened_is_told_with_the_largest_difference_first() -> None:
    before = [
        layer("model/conv1", "model/relu1", us=10),
        layer("model/conv2", us=10),
        layer("model/conv3", us=10),
        layer("model/conv4", us=10),
        layer("model/conv5", us=10),
        layer("model/gone", us=7),
    ]
    after = [
        layer("model/conv1", us=20),
        layer("model/relu1", us=70),
        layer("model/conv2", us=40, precision="Float"),
        layer("model/conv3", us=12),
        layer("model/conv4", us=10.5),
        layer("model/conv5", us=10, tactic="another"),
        layer(name="a copy", us=3),
    ]
    found = [(c.kind, c.name, round(c.difference_s * 1e6, 1)) for c in differences(before, after, SHAPE)]
    assert found == [
        (ChangeKind.SPLIT, "model/conv1", 80.0),
        (ChangeKind.PRECISION, "model/conv2", 30.0),
        (ChangeKind.LOST, "model/gone", -7.0),
        (ChangeKind.ADDED, "a copy", 3.0),
        (ChangeKind.RETIMED, "model/conv3", 2.0),
        (ChangeKind.TACTIC, "model/conv5", 0.0),
    ]


def test_a_layer_goes_by_the_models_own_name() -> None:
    (change,) = differences([layer("Multiply_1", "model.conv/aten::mul")], [], SHAPE)
    assert change.name == "model.conv/aten::mul"
