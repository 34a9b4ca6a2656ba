"""The JSON form and the protobuf form of one request are the same bytes to everything after."""

from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest
from google.protobuf.json_format import MessageToDict
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
from opentelemetry.proto.trace.v1.trace_pb2 import Span, TracesData

from homeostat.doors.answers import Refused
from homeostat.observe.otlp.from_json import to_protobuf

SCALARS = st.one_of(
    st.builds(lambda v: {"string_value": v}, st.text()),
    st.builds(lambda v: {"bool_value": v}, st.booleans()),
    st.builds(lambda v: {"int_value": v}, st.integers(-(2**63), 2**63 - 1)),
    st.builds(lambda v: {"double_value": v}, st.floats(allow_nan=False)),
    st.builds(lambda v: {"bytes_value": v}, st.binary()),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(lambda v: {"array_value": {"values": v}}, st.lists(inner, max_size=3)),
        st.builds(
            lambda v: {"kvlist_value": {"values": [{"key": k, "value": x} for k, x in v]}},
            st.lists(st.tuples(st.text(), inner), max_size=3),
        ),
    ),
    max_leaves=8,
)
ATTRIBUTES = st.lists(st.builds(lambda k, v: {"key": k, "value": v}, st.text(), VALUES), max_size=4)
TIMES = st.integers(0, 2**64 - 1)
SPANS = st.fixed_dictionaries(
    {
        "trace_id": st.binary(min_size=16, max_size=16),
        "span_id": st.binary(min_size=8, max_size=8),
        "name": st.text(),
        "kind": st.integers(0, 5),
        "start_time_unix_nano": TIMES,
        "end_time_unix_nano": TIMES,
        "attributes": ATTRIBUTES,
        "flags": st.integers(0, 2**32 - 1),
        "events": st.lists(
            st.builds(lambda t, n, a: {"time_unix_nano": t, "name": n, "attributes": a}, TIMES, st.text(), ATTRIBUTES),
            max_size=2,
        ),
        "status": st.builds(lambda c, m: {"code": c, "message": m}, st.integers(0, 2), st.text()),
    }
)


def as_otlp_json(message: Any, **options: Any) -> str:
    """Protobuf's own JSON with ids in hex, as OTLP wants them."""

    def hex_ids(value: Any) -> Any:
        if isinstance(value, dict):
            names = ("traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id")
            return {k: base64.b64decode(v).hex() if k in names else hex_ids(v) for k, v in value.items()}
        return [hex_ids(item) for item in value] if isinstance(value, list) else value

    return json.dumps(hex_ids(MessageToDict(message, **options)))


@given(spans=st.lists(SPANS, max_size=3), snake=st.booleans(), names=st.booleans())
def test_any_request(spans: list[dict[str, Any]], snake: bool, names: bool) -> None:
    sent = TracesData(resource_spans=[{"scope_spans": [{"spans": spans, "schema_url": "s"}]}])  # type: ignore[list-item]
    text = as_otlp_json(sent, preserving_proto_field_name=snake, use_integers_for_enums=not names)
    assert TracesData.FromString(to_protobuf("traces", text.encode())) == sent


def test_metrics_and_logs() -> None:
    metrics = MetricsData()
    metric = metrics.resource_metrics.add().scope_metrics.add().metrics.add(name="m")
    point = metric.exponential_histogram.data_points.add(scale=-3, count=5, sum=1.5, zero_count=2)
    point.positive.offset = -7
    point.positive.bucket_counts.extend([1, 2, 2**63])
    metrics.resource_metrics[0].scope_metrics[0].metrics.add().histogram.data_points.add(
        bucket_counts=[1, 2], explicit_bounds=[0.5]
    )
    metrics.resource_metrics[0].scope_metrics[0].metrics.add().sum.data_points.add(as_int=-5)
    assert MetricsData.FromString(to_protobuf("metrics", as_otlp_json(metrics).encode())) == metrics
    logs = LogsData()
    record = (
        logs.resource_logs.add().scope_logs.add().log_records.add(event_name="e", trace_id=b"t" * 16, severity_number=9)
    )
    record.body.string_value = "text"
    assert LogsData.FromString(to_protobuf("logs", as_otlp_json(logs).encode())) == logs


def read_span(fields: str) -> Span:
    """The span that a JSON text of its fields gives."""
    text = '{"resourceSpans":[{"scopeSpans":[{"spans":[{%s}]}]}]}' % fields  # noqa: UP031 - braces everywhere
    return TracesData.FromString(to_protobuf("traces", text.encode())).resource_spans[0].scope_spans[0].spans[0]


def read_value(value: str) -> Any:
    """The attribute value that a JSON text gives."""
    return read_span('"attributes":[{"key":"k","value":%s}]' % value).attributes[0].value  # noqa: UP031


HEX = "5b8efff798038103d269b633813f0012"


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (HEX, bytes.fromhex(HEX)),
        (HEX.upper(), bytes.fromhex(HEX)),
        (base64.b64encode(bytes.fromhex(HEX)).decode(), bytes.fromhex(HEX)),
        (base64.urlsafe_b64encode(b"\xff" * 16).decode().rstrip("="), b"\xff" * 16),
        ("", b""),
        ("abc", b"\xff"),
        ("z" * 32, b"\xff"),
        ("z" * 16, b"\xff"),
        ("abcd", b"\xab\xcd"),
        ("é" * 16, b"\xff"),
    ],
)
def test_trace_id(written: str, read: bytes) -> None:
    """Hex of any case or base64 of the right length; what is neither never has the length of an id."""
    assert read_span(f'"traceId":"{written}"').trace_id == read


@pytest.mark.parametrize(
    ("fields", "start"),
    [
        ('"startTimeUnixNano":"1772000000123456789"', 1772000000123456789),
        ('"startTimeUnixNano":1772000000123456789', 1772000000123456789),
        ('"startTimeUnixNano":18446744073709551615', 2**64 - 1),
        ('"startTimeUnixNano":1.772e18', 1772000000000000000),
        ('"startTimeUnixNano":"-5"', 0),
        ('"startTimeUnixNano":null', 0),
        ('"nobody knows":{"this":[1,2]}', 0),
    ],
)
def test_times(fields: str, start: int) -> None:
    assert read_span(fields).start_time_unix_nano == start


@pytest.mark.parametrize(
    ("value", "name", "read"),
    [
        ('{"intValue":"9223372036854775807"}', "int_value", 2**63 - 1),
        ('{"intValue":-9223372036854775808}', "int_value", -(2**63)),
        ('{"intValue":42.0}', "int_value", 42),
        ('{"doubleValue":"Infinity"}', "double_value", math.inf),
        ('{"doubleValue":"-Infinity"}', "double_value", -math.inf),
        ('{"doubleValue":3}', "double_value", 3.0),
        ('{"boolValue":"true"}', "bool_value", True),
        ('{"stringValue":"\\ud83d"}', "string_value", "\ufffd"),
        ('{"stringValue":"a\\ud83d\\ude00b\\udc00"}', "string_value", "a😀b\ufffd"),
        ('{"stringValue":"\\u0000"}', "string_value", "\0"),
        ('{"bytesValue":"AP8="}', "bytes_value", b"\x00\xff"),
        ('{"string_value":"snake"}', "string_value", "snake"),
    ],
)
def test_values(value: str, name: str, read: Any) -> None:
    assert getattr(read_value(value), name) == read


def test_nan_is_a_string() -> None:
    assert math.isnan(read_value('{"doubleValue":"NaN"}').double_value)


def test_invalid_utf8_becomes_replacement_characters() -> None:
    sent = b'{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"a\xff\xfeb"}]}]}]}'
    assert (
        TracesData.FromString(to_protobuf("traces", sent)).resource_spans[0].scope_spans[0].spans[0].name
        == "a\ufffd\ufffdb"
    )


@pytest.mark.parametrize("kind", ['"SPAN_KIND_CLIENT"', "3", '"3"'])
def test_enums(kind: str) -> None:
    assert read_span(f'"kind":{kind}').kind == 3
    assert read_span('"kind":"SPAN_KIND_OF_TOMORROW"').kind == 0


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ('"name":5', "resourceSpans.scopeSpans.spans.name: must be a string, not a number"),
        ('"attributes":{}', "attributes: must be a list, not an object"),
        ('"startTimeUnixNano":18446744073709551616', "startTimeUnixNano: 18446744073709551616 does not fit"),
        ('"startTimeUnixNano":"soon"', "must be a whole number"),
        ('"kind":99999999999', "does not fit into 32 bits"),
        ('"attributes":[{"value":{"intValue":9223372036854775808}}]', "does not fit into 64 bits"),
        ('"attributes":[{"value":{"intValue":1.5}}]', "must be a whole number"),
        ('"attributes":[{"value":{"boolValue":1}}]', "must be true or false"),
        ('"attributes":[{"value":{"doubleValue":"much"}}]', "must be a number"),
        ('"attributes":[{"value":{"bytesValue":"!"}}]', "is not base64"),
        ('"attributes":[{"value":{"doubleValue":NaN}}]', "is not JSON"),
        ('"attributes":[{"value":{"doubleValue":1e999}}]', "out of range"),
        ('"attributes":[{"value":{"stringValue":"\\ud83d","doubleValue":1e999}}]', "out of range"),
        ('"attributes":[{"value":{"stringValue":"\\ud83d","doubleValue":NaN}}]', "is not JSON"),
    ],
)
def test_refusals_say_where_and_what(fields: str, place: str) -> None:
    with pytest.raises(Refused) as refusal:
        read_span(fields)
    assert refusal.value.status == 400
    assert place in refusal.value.message
