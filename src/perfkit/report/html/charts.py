"""How the charts look: Vega-Lite specifications by Altair, each drawn over the data that the page hands it.

Vega-Lite and not plotly: its whole JavaScript is 0.9 MB instead of 4.8, and vl-convert ships it inside a Python
package. Every chart has its numbers in a table beside it, so that none is needed to read the report.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import altair as alt

_DATA = alt.NamedData(name="points")
_WIDTH, _LOW, _HIGH = 440, 150, 280
_SMALL_WIDTH, _SMALL_HEIGHT = 300, 90
_MS = alt.Axis(title="ms", format="~g")
_COUNT = alt.Axis(format="~s", tickCount=5)


@cache
def specifications() -> dict[str, dict[str, Any]]:
    """By the name that a figure of the page has in ``data-chart``."""
    charts = {
        "rounds": _rounds(),
        "distribution": _distribution(),
        "tradeoff": _tradeoff(),
        "shapes": _shapes(),
        "memory": _memory(),
    }
    return {name: _plain(chart) for name, chart in charts.items()}


@cache
def trend() -> dict[str, Any]:
    """One series through time, in the page of the history; the word for a change stands in the caption as well."""
    base = alt.Chart(_DATA)
    x = alt.X("date:T", title=None, axis=alt.Axis(tickCount=4, labelOverlap=True))
    y = alt.Y("value:Q", title=None, scale=alt.Scale(zero=False), axis=alt.Axis(tickCount=4, format="~g"))
    way = alt.Color("way:N", legend=None, scale=alt.Scale(domain=["worse", "better"], range=["#d1495b", "#2da44e"]))
    nights = base.transform_filter("datum.kind == 'night'").encode(
        x=x,
        y=y,
        tooltip=[alt.Tooltip("date:T", title="night"), alt.Tooltip("value:Q", format=".4g"), "commit:N"],
    )
    room = base.transform_filter("datum.kind == 'room'").mark_point(opacity=0).encode(x=x, y=y)
    drifts = (
        base.transform_filter("datum.kind == 'drift'")
        .mark_rect(opacity=0.18)
        .encode(x=x, x2="end:T", color=way, tooltip=alt.Tooltip("told:N", title="drift"))
    )
    steps = (
        base.transform_filter("datum.kind == 'step'")
        .mark_rule(strokeWidth=2, strokeDash=[5, 3])
        .encode(x=x, color=way, tooltip=alt.Tooltip("told:N", title="step"))
    )
    failing = (
        base.transform_filter("datum.kind == 'failing'")
        .mark_point(shape="triangle-down", filled=True, size=60, color="#d1495b", yOffset=-6)
        .encode(x=x, y=y, tooltip=[alt.Tooltip("date:T", title="night"), "verdict:N", "commit:N"])
    )
    lines = nights.mark_line(strokeWidth=1, opacity=0.6, color="#3b8eea")
    dots = nights.mark_circle(size=12, color="#3b8eea")
    return _plain((drifts + room + lines + dots + steps + failing).properties(width=_SMALL_WIDTH, height=_SMALL_HEIGHT))


def _plain(chart: Any) -> dict[str, Any]:
    found: dict[str, Any] = chart.to_dict()
    del found["config"]  # the page has its own for light and dark
    return found


def _rounds() -> Any:
    """Every round of one clock in the order in which it was measured, both sides."""
    x = alt.X("round:Q", title="round", axis=alt.Axis(tickMinStep=1))
    base = (
        alt.Chart(_DATA)
        .transform_filter("datum.kind == 'round'")
        .encode(
            x=x,
            y=alt.Y("ms:Q", axis=_MS, scale=alt.Scale(zero=False)),
            color=alt.Color("side:N", title=None, scale=alt.Scale(domain=["variant", "reference"])),
            detail="replicate:N",
            tooltip=["replicate:N", "side:N", "round:Q", alt.Tooltip("ms:Q", format=".4g"), "how:N"],
        )
    )
    points = base.mark_point(filled=True, size=18).encode(shape="replicate:N")
    disturbed = base.transform_filter("datum.how == 'disturbed'").mark_point(size=70, shape="circle", strokeWidth=1)
    left_out = (
        alt.Chart(_DATA)
        .transform_filter("datum.kind == 'left out'")
        .mark_rule(strokeDash=[2, 3], opacity=0.7, color="#b08800")
        .encode(x=x, tooltip=["replicate:N", "round:Q", "kind:N"])
    )
    layers = left_out + base.mark_line(opacity=0.35) + points + disturbed
    return layers.properties(width=_WIDTH, height=_LOW)


def _distribution() -> Any:
    """The variant's rounds of each replicate as a box, or the median with its standard error, one below the other."""
    y = alt.Y("replicate:N", title=None, sort=None)
    color = alt.Color("of:N", title=None, scale=alt.Scale(domain=["run", "baseline"]))
    base = alt.Chart(_DATA)
    boxes = (
        base.transform_filter("datum.kind == 'round'")
        .mark_boxplot(size=12, outliers={"size": 8})
        .encode(x=alt.X("ms:Q", axis=_MS, scale=alt.Scale(zero=False)), y=y, color=color)
    )
    medians = base.transform_filter("datum.kind == 'median'")
    points = medians.mark_point(filled=True, size=50).encode(
        x="ms:Q", y=y, color=color, tooltip=["replicate:N", alt.Tooltip("ms:Q", format=".4g")]
    )
    errors = medians.mark_rule(strokeWidth=2).encode(x="low:Q", x2="high:Q", y=y, color=color)
    return (boxes + errors + points).properties(width=_WIDTH)


def _tradeoff() -> Any:
    """Accuracy against speed; a line joins the front of each shape."""
    base = (
        alt.Chart(_DATA)
        .transform_filter("datum.speedup != null && datum.sqnr_db != null")
        .encode(
            x=alt.X("speedup:Q", title="speedup over eager-fp32", scale=alt.Scale(type="log", nice=False)),
            y=alt.Y("sqnr_db:Q", title="SQNR, dB (lowest of the images)", scale=alt.Scale(zero=False)),
        )
    )
    front = (
        base.transform_filter("datum.front")
        .mark_line(opacity=0.5, strokeDash=[4, 3])
        .encode(detail="shape:N", order="speedup:Q")
    )
    points = base.mark_point(filled=True, size=70).encode(
        color=alt.Color("variant:N"),
        shape=alt.Shape("shape:N"),
        tooltip=["variant:N", "shape:N", *(alt.Tooltip(f"{name}:Q", format=".4g") for name in ("speedup", "sqnr_db"))],
    )
    return (front + points).properties(width=_WIDTH, height=_HIGH)


def _shapes() -> Any:
    """Latency over the size of the input; a static profile's points stand beside the dynamic one's lines."""
    base = (
        alt.Chart(_DATA)
        .transform_filter("datum.elements != null")
        .encode(
            x=alt.X("elements:Q", title="numbers in the input", axis=_COUNT, scale=alt.Scale(type="log", nice=False)),
            y=alt.Y("ms:Q", axis=_MS, scale=alt.Scale(type="log")),
            color=alt.Color("variant:N"),
            tooltip=["variant:N", "shape:N", "profile:N", alt.Tooltip("ms:Q", format=".4g")],
        )
    )
    lines = base.mark_line().encode(strokeDash=alt.StrokeDash("profile:N", title="profile"))
    points = base.mark_point(filled=True, size=50).encode(shape=alt.Shape("profile:N", legend=None))
    return (lines + points).properties(width=_WIDTH, height=_HIGH)


def _memory() -> Any:
    """What an engine takes on the disk, as activations, and in calls; the largest shape of each variant."""
    kinds = {"engine": "engine_mib", "activations": "activation_mib", "calls": "call_mib"}
    bars = (
        alt.Chart(_DATA)
        .transform_calculate(**{name: f"datum.{key}" for name, key in kinds.items()})
        .transform_fold([*kinds], as_=["kind", "mib"])
        .transform_filter("datum.mib != null")
        .transform_aggregate(mib="max(mib)", groupby=["variant", "kind"])
        .mark_bar()
        .encode(
            x=alt.X("mib:Q", title="MiB"),
            y=alt.Y("variant:N", title=None),
            color=alt.Color("variant:N", legend=None),
            tooltip=["variant:N", "kind:N", alt.Tooltip("mib:Q", format=".4g")],
        )
        .properties(width=_WIDTH)
    )
    return bars.facet(row=alt.Row("kind:N", title=None, header=alt.Header(labelAngle=0, labelAlign="left")))
