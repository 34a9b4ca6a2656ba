"""What people write for measures, and how mistakes are told."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeostat.store.warehouse.questions.filters import Condition
from homeostat.store.warehouse.questions.measures.grammar import Measure, parse
from homeostat.store.warehouse.questions.refused import Refused


@pytest.mark.parametrize(
    ("text", "measure"),
    [
        ("count", Measure("count", "count")),
        ("rate", Measure("rate", "rate")),
        (" Mean( latency ) ", Measure("mean(latency_ms)", "mean", "latency_ms")),
        ("p95(ttft)", Measure("p95(ttft_ms)", "quantile", "ttft_ms", 0.95)),
        ("p99.9(cost)", Measure("p99.9(cost)", "quantile", "cost", 0.9990000000000001)),
        ("median(tokens)", Measure("median(tokens)", "quantile", "tokens", 0.5)),
        ("mean(score.relevance)", Measure("mean(score.relevance)", "mean", "score.relevance")),
        ("max(attribute.'my key')", Measure("max(attribute.my key)", "max", "attribute.my key")),
        ("unique(user)", Measure("unique(user)", "unique", "user")),
        (
            "share(status=error)",
            Measure("share(status=error)", "share", condition=Condition("status", "", "is", ("error",))),
        ),
        (
            "share(signal.thumbs=-1)",
            Measure("share(signal.thumbs=-1)", "share", condition=Condition("signal", "thumbs", "is", ("-1",))),
        ),
        (
            "rate(latency>=5e3)",
            Measure("rate(latency>=5e3)", "rate", condition=Condition("latency", "", "gte", ("5e3",))),
        ),
        (
            "share(model!='a, (b)')",
            Measure("share(model!=a, (b))", "share", condition=Condition("model", "", "not", ("a, (b)",))),
        ),
        (
            "share(input.contains=refund)",
            Measure("share(input.contains=refund)", "share", condition=Condition("input", "", "contains", ("refund",))),
        ),
        (
            "count(attribute.plan.exists = true)",
            Measure(
                "count(attribute.plan.exists=true)",
                "count",
                condition=Condition("attribute", "plan", "exists", ("true",)),
            ),
        ),
    ],
)
def test_understood(text: str, measure: Measure) -> None:
    assert parse([text]) == (measure,)


def test_several_are_separated_or_given_apart() -> None:
    assert [m.text for m in parse(["count, p50(latency)|p50(latency_ms)", "sum(cost)"])] == [
        "count",
        "p50(latency_ms)",
        "sum(cost)",
    ]


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("", 1, "not a measure"),
        ("counts", 1, "not a measure"),
        ("p0(latency)", 1, "not a measure"),
        ("p100(latency)", 1, "not a measure"),
        ("pnan(latency)", 1, "not a measure"),
        ("mean(latncy)", 6, "not a number"),
        ("mean(model)", 6, "not a number"),
        ("mean(latency", 13, "expected )"),
        ("mean(latency))", 14, "expected a comma"),
        ("share(status)", 13, "expected a comparison"),
        ("share(model>3)", 7, "not a number"),
        ("share(latency=abc)", 7, "needs a number"),
        ("share(status='error)", 14, "never closed"),
        ("share(q=hello)", 7, "full text"),
        ("unique(latency)", 8, "cannot count"),
        ("count,", 7, "not a measure"),
    ],
)
def test_a_mistake_says_where(text: str, at: int, says: str) -> None:
    with pytest.raises(Refused) as refused:
        parse([text])
    assert refused.value.message.startswith(f"measure, character {at}: ")
    assert says in refused.value.message


@given(st.text(alphabet="countmeanp95share()=<>!,|'\"\\. -1latencyscore.x", max_size=60))
def test_any_text_is_understood_or_refused(text: str) -> None:
    try:
        measures = parse([text])
    except Refused as refused:
        assert refused.message
    else:
        assert 0 < len(measures) <= 12
