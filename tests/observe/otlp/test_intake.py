"""The exact answers to OTLP senders: table T-OTLP, over a real socket."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData
from opentelemetry.proto.metrics.v1.metrics_pb2 import MetricsData
from opentelemetry.proto.trace.v1.trace_pb2 import TracesData

from homeostat.store.spool.envelope import Part
from homeostat.store.spool.writer import SpoolBroken, SpoolFull
from tests.loop.serving import NOW_NS, Running, running_edge, until

MIB = 1 << 20
DAY = 86_400 * 10**9
PROTOBUF = "application/x-protobuf"
JSON = "application/json"


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running_edge(tmp_path_factory.mktemp("edge"), body_limit=4 * MIB) as running:
        yield running


@pytest.fixture
def fresh(edge: Running) -> Running:
    edge.spool.envelopes.clear()
    edge.spool.failure = edge.spool.gate = None
    return edge


_count = 0


def traces(spans: int = 1, *, text: str = "", end: int = NOW_NS, name: str = "") -> TracesData:
    """A request that was never sent before."""
    global _count
    data = TracesData()
    scope = data.resource_spans.add().scope_spans.add()
    for _ in range(spans):
        _count += 1
        span = scope.spans.add(trace_id=_count.to_bytes(16, "big"), span_id=_count.to_bytes(8, "big"), name=name)
        span.start_time_unix_nano, span.end_time_unix_nano = end - 10**9, end
        if text:
            span.attributes.add(key="text").value.string_value = text
    return data


def body(spans: int = 1, **more: object) -> bytes:
    return traces(spans, **more).SerializeToString()  # type: ignore[arg-type]


def status_of(raw: bytes) -> tuple[int, str]:
    """Code and message of a google.rpc.Status in protobuf: field 1 a varint, field 2 a string."""
    assert raw[0] == 0x08
    assert raw[2] == 0x12
    size, at = raw[3], 4
    if size > 127:
        size, at = size & 127 | raw[4] << 7, 5
    message = raw[at:].decode()
    assert len(message.encode()) == size
    return raw[1], message


@pytest.mark.parametrize("prefix", ["", "/otel", "/api/public/otel"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_place_with_and_without_a_slash(fresh: Running, prefix: str, slash: str) -> None:
    status, headers, answer = fresh.post(f"{prefix}/v1/traces{slash}", sent := body())
    assert (status, answer, headers["content-type"]) == (200, b"", PROTOBUF)
    [kept] = fresh.spool.envelopes
    assert (kept.part, kept.body, kept.items, kept.received, kept.oldest) == (
        Part.TRACES,
        sent,
        1,
        NOW_NS,
        NOW_NS - 30 * DAY,
    )


@pytest.mark.parametrize(
    ("kind", "sent", "code"),
    [
        (PROTOBUF, b"\xff" * 50, 400),
        (PROTOBUF, b"\x0a\x50abc", 400),
        (PROTOBUF, b'{"resourceSpans": []}', 400),
        (JSON, b'{"resourceSpans": [', 400),
        (JSON, b'{"a": NaN}', 400),
        (JSON, b"", 400),
        (JSON, b"[]", 400),
        (JSON, b'"text"', 400),
        (JSON, b'{"resourceSpans": {}}', 400),
        (JSON, b'{"resourceSpans": [1]}', 400),
        (JSON, b'{"resourceSpans": [{"scopeSpans": [{"spans": [{"startTimeUnixNano": 18446744073709551616}]}]}]}', 400),
        (JSON, b"[" * 100_000, 400),
        (JSON, b'{"a":' * 100_000, 400),
        (JSON, "{}".encode("utf-16"), 400),
        ("text/plain", b"{}", 415),
        ("application/grpc", b"", 415),
        ("", b"{}", 415),
    ],
)
def test_refused_body(fresh: Running, kind: str, sent: bytes, code: int) -> None:
    status, headers, answer = fresh.post("/v1/traces", sent, kind)
    assert status == code, answer
    if kind == PROTOBUF:
        assert headers["content-type"] == PROTOBUF
        assert status_of(answer)[0] == 3
    else:
        assert headers["content-type"] == JSON
        assert json.loads(answer)["code"] == 3
        assert json.loads(answer)["message"]
    assert not fresh.spool.envelopes


def nested(levels: int) -> bytes:
    data = traces()
    value = data.resource_spans[0].scope_spans[0].spans[0].attributes.add(key="deep").value
    for _ in range(levels):
        value = value.array_value.values.add()
    return data.SerializeToString()


def test_deep_values_are_kept_or_refused_but_never_crash(fresh: Running) -> None:
    assert fresh.post("/v1/traces", nested(20))[0] == 200
    for levels in (64, 65, 120):
        inner = b""
        for _ in range(levels):
            inner = b"\x0a" + _varint(len(inner)) + inner
            inner = b"\x2a" + _varint(len(inner)) + inner
        value = b"\x12" + _varint(len(inner)) + inner
        sent = b""
        for tag in (b"\x4a", b"\x12", b"\x12", b"\x0a"):
            sent = tag + _varint(len(value)) + value
            value = sent
        assert fresh.post("/v1/traces", sent)[0] == 400
        text: object = {"stringValue": "x"}
        for _ in range(levels):
            text = {"arrayValue": {"values": [text]}}
        spans = [{"attributes": [{"key": "deep", "value": text}]}]
        sent = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
        assert fresh.post("/v1/traces", sent, JSON)[0] == 400


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZIP", gzip.compress),
        ("x-gzip", gzip.compress),
        ("gzip", lambda raw: gzip.compress(raw[:10]) + gzip.compress(raw[10:])),
        ("deflate", zlib.compress),
        ("deflate", lambda raw: zlib.compress(raw, wbits=-15)),
        ("identity", lambda raw: raw),
    ],
)
def test_encodings(fresh: Running, encoding: str, pack: object) -> None:
    sent = body(3)
    status, _, answer = fresh.post("/v1/traces", pack(sent), content_encoding=encoding)  # type: ignore[operator]
    assert (status, answer) == (200, b"")
    assert [envelope.body for envelope in fresh.spool.envelopes] == [sent]


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, identity", "compress", "utf-8"])
def test_other_encodings_are_refused(fresh: Running, encoding: str) -> None:
    assert fresh.post("/v1/traces", gzip.compress(body()), content_encoding=encoding)[0] == 415


@pytest.mark.parametrize(
    "sent",
    [
        gzip.compress(b"x" * 999)[:-4],
        b"not gzip",
        gzip.compress(b"") + b"rest",
        b"\x1f\x8b",
        gzip.compress(b"abc")[:11],
    ],
    ids=["cut", "no gzip", "something after it", "two bytes", "head only"],
)
def test_corrupt_gzip(fresh: Running, sent: bytes) -> None:
    status, _, answer = fresh.post("/v1/traces", sent, content_encoding="gzip")
    assert (status, status_of(answer)[0]) == (400, 3)


def test_zeros_behind_gzip_are_no_fault(fresh: Running) -> None:
    sent = gzip.compress(body()) + bytes(70_000) + gzip.compress(body()) + bytes(3)
    assert fresh.post("/v1/traces", sent, content_encoding="gzip")[0] == 200
    assert [envelope.items for envelope in fresh.spool.envelopes] == [2]


def bomb(size: int, encoding: str) -> bytes:
    stream = zlib.compressobj(9, wbits=31 if encoding == "gzip" else 15)
    block = bytes(MIB)
    return b"".join(stream.compress(block) for _ in range(size // MIB)) + stream.flush()


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "members"])
def test_bombs_stop_at_the_limit(fresh: Running, encoding: str) -> None:
    sent = gzip.compress(bytes(MIB)) * 1000 if encoding == "members" else bomb(200 * MIB, encoding)
    process = psutil.Process()
    fresh.post("/v1/traces", body())
    memory = process.memory_info().rss
    status, _, answer = fresh.post("/v1/traces", sent, content_encoding="deflate" if encoding == "deflate" else "gzip")
    assert (status, status_of(answer)[0]) == (413, 8)
    assert process.memory_info().rss - memory < 16 * MIB


def test_too_large(fresh: Running) -> None:
    assert fresh.post("/v1/traces", bytes(4 * MIB + 1))[0] == 413
    assert fresh.post("/v1/traces", body(text="x" * (4 * MIB)))[0] == 413
    assert fresh.post("/v1/traces", body(text="x" * (3 * MIB)))[0] == 200


def test_too_large_in_chunks(fresh: Running) -> None:
    chunks = (bytes(MIB) for _ in range(5))
    status, _, _ = fresh.send("POST", "/v1/traces", chunks, {"content-type": PROTOBUF, "transfer-encoding": "chunked"})
    assert status == 413


def test_more_items_than_memory_allows(fresh: Running) -> None:
    """Two million empty spans are four megabytes, and would be hundreds in memory."""
    spans = b"\x12\x00" * 1_900_000
    scope = b"\x12" + _varint(len(spans)) + spans
    assert fresh.post("/v1/traces", b"\x0a" + _varint(len(scope)) + scope)[0] == 413


def raw(edge: Running, data: bytes, *, wait: float = 60) -> bytes:
    """What a connection answers to these bytes."""
    with socket.create_connection(("127.0.0.1", edge.port), timeout=wait) as connection:
        connection.sendall(data)
        out = b""
        while b"\r\n\r\n" not in out:
            got = connection.recv(65536)
            if not got:
                break
            out += got
        return out


HEAD = b"POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-protobuf\r\n"


def test_stalled_body(tmp_path: Path) -> None:
    with running_edge(tmp_path, body_timeout=0.4) as edge:
        started = time.monotonic()
        answer = raw(edge, HEAD + b"content-length: 100\r\n\r\nabc")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - started > 0.3


def test_a_length_that_lies(fresh: Running) -> None:
    """Too short: what follows is no request. Both framings: refused. No number: refused."""
    sent = body()
    assert raw(fresh, HEAD + b"content-length: 5\r\n\r\n" + sent).startswith(b"HTTP/1.1 400 ")
    assert raw(fresh, HEAD + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n").startswith(
        b"HTTP/1.1 400 "
    )
    assert raw(fresh, HEAD + b"content-length: many\r\n\r\n").startswith(b"HTTP/1.1 400 ")
    assert not fresh.spool.envelopes


def test_a_client_that_leaves_costs_nothing(fresh: Running) -> None:
    with socket.create_connection(("127.0.0.1", fresh.port)) as connection:
        connection.sendall(HEAD + b"content-length: 100\r\n\r\nabc")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert fresh.post("/v1/traces", body())[0] == 200
    figures = fresh.send("GET", "/metrics?part=edge")[2].decode()
    assert "homeostat_edge_inflight_bytes 0\n" in figures


def test_wrong_method(fresh: Running) -> None:
    status, headers, _ = fresh.send("GET", "/v1/traces")
    assert (status, headers["allow"]) == (405, "POST")


def test_empty_requests_are_fine_and_store_nothing(fresh: Running) -> None:
    for signal in ("traces", "logs", "metrics"):
        assert fresh.post(f"/v1/{signal}", b"")[0] == 200
        status, _, answer = fresh.post(f"/v1/{signal}", b"{}", "application/json; charset=utf-8")
        assert (status, answer) == (200, b"{}")
    assert not fresh.spool.envelopes


def test_invalid_and_expired_spans_are_told(fresh: Running) -> None:
    data = traces(6)
    spans = data.resource_spans[0].scope_spans[0].spans
    spans[0].trace_id = bytes(16)
    spans[1].span_id = b"short"
    for span, days, ended in ((spans[2], 31, True), (spans[3], 31, False), (spans[4], 29, True)):
        span.start_time_unix_nano = NOW_NS - days * DAY
        span.end_time_unix_nano = NOW_NS - days * DAY + 5 if ended else NOW_NS
    _, _, answer = fresh.post("/v1/traces", data.SerializeToString())
    told = ExportTraceServiceResponse.FromString(answer).partial_success
    assert told.rejected_spans == 3
    assert "2 invalid ids" in told.error_message
    assert "1 expired" in told.error_message
    assert fresh.spool.envelopes[0].items == 6


def test_expired_log_records_are_told(fresh: Running) -> None:
    data = LogsData()
    records = data.resource_logs.add().scope_logs.add().log_records
    records.add(time_unix_nano=NOW_NS - 31 * DAY)
    records.add(observed_time_unix_nano=NOW_NS - 31 * DAY)
    records.add(time_unix_nano=NOW_NS - 29 * DAY)
    records.add()
    _, _, answer = fresh.post("/v1/logs", data.SerializeToString())
    told = ExportLogsServiceResponse.FromString(answer).partial_success
    assert (told.rejected_log_records, fresh.spool.envelopes[0].items) == (2, 4)


def test_invalid_utf8_never_costs_the_batch(fresh: Running) -> None:
    sent = body(2, name="AAAA").replace(b"AAAA", b"A\xff\xfeA")
    assert fresh.post("/v1/traces", sent)[0] == 200
    assert fresh.spool.envelopes[0].body == sent


def test_metrics_are_counted_not_kept(fresh: Running) -> None:
    data = MetricsData()
    metrics = data.resource_metrics.add().scope_metrics.add().metrics
    for kind in ("gauge", "sum", "histogram", "exponential_histogram", "summary"):
        points = getattr(metrics.add(name=kind), kind).data_points
        points.add()
        points.add()
    metrics.add(name="nothing")
    assert fresh.post("/v1/metrics", data.SerializeToString())[0] == 200
    [kept] = fresh.spool.envelopes
    assert (kept.items, kept.outcome, kept.part, kept.body) == (10, "metric_not_kept", Part.NOTHING, b"")


def test_logs(fresh: Running) -> None:
    data = LogsData()
    scope = data.resource_logs.add().scope_logs.add()
    for text in ("one", "two", "three"):
        scope.log_records.add().body.string_value = text
    assert fresh.post("/v1/logs", data.SerializeToString())[0] == 200
    [kept] = fresh.spool.envelopes
    assert (kept.items, kept.part) == (3, Part.LOGS)


def test_a_body_sent_again_is_counted_as_a_duplicate(fresh: Running) -> None:
    sent = body(4)
    fresh.post("/v1/traces", sent)
    assert fresh.post("/v1/traces", gzip.compress(sent), content_encoding="gzip")[0] == 200
    fresh.post("/v1/traces", sent, x_test_project="other")
    assert [(e.items, e.outcome, e.part) for e in fresh.spool.envelopes] == [
        (4, "", Part.TRACES),
        (4, "duplicate", Part.NOTHING),
        (4, "", Part.TRACES),
    ]


def test_a_body_that_was_not_stored_is_no_duplicate(fresh: Running) -> None:
    sent = body()
    fresh.spool.failure = SpoolFull("no room", 1)
    assert fresh.post("/v1/traces", sent)[0] == 503
    fresh.spool.failure = None
    assert fresh.post("/v1/traces", sent)[0] == 200
    assert [envelope.outcome for envelope in fresh.spool.envelopes] == [""]


@pytest.mark.parametrize("fails", [False, True])
def test_a_repeat_waits_for_the_first(fresh: Running, fails: bool) -> None:
    sent = body()
    fresh.spool.gate = threading.Event()
    fresh.spool.failure = SpoolBroken("the disk is gone", 1) if fails else None
    answers: list[int] = []
    threads = [threading.Thread(target=lambda: answers.append(fresh.post("/v1/traces", sent)[0])) for _ in range(3)]
    for thread in threads:
        thread.start()
    until(lambda: b"inflight_requests 3\n" in fresh.send("GET", "/metrics?part=edge")[2])
    assert not answers
    fresh.spool.gate.set()
    for thread in threads:
        thread.join(120)
    assert answers == ([503] * 3 if fails else [200] * 3)
    assert sorted(envelope.outcome for envelope in fresh.spool.envelopes) == (
        [] if fails else ["", "duplicate", "duplicate"]
    )


@pytest.mark.parametrize("failure", [SpoolFull("no room", 1), SpoolBroken("no disk", 2)])
def test_a_spool_that_refuses_asks_to_come_again(fresh: Running, failure: Exception) -> None:
    fresh.spool.failure = failure
    for kind, sent in ((PROTOBUF, body()), (JSON, b'{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}')):
        status, headers, answer = fresh.post("/v1/traces", sent, kind)
        assert (status, headers["content-type"]) == (503, kind)
        assert headers["retry-after"] in ("1", "2")
        assert (status_of(answer)[0] if kind == PROTOBUF else json.loads(answer)["code"]) == 14


def test_bodies_in_flight_are_bounded(tmp_path: Path) -> None:
    with running_edge(tmp_path, inflight_limit=3 * MIB, body_limit=2 * MIB) as edge:
        edge.spool.gate = threading.Event()
        large = body(text="x" * (2 * MIB - 200))
        first = threading.Thread(target=edge.post, args=("/v1/traces", large))
        first.start()
        all_of_it = f"inflight_bytes {len(large)}\n".encode()
        until(lambda: all_of_it in edge.send("GET", "/metrics?part=edge")[2])
        status, headers, _ = edge.post("/v1/traces", body(text="y" * (2 * MIB - 200)))
        assert (status, headers["retry-after"]) == (503, "1")
        edge.spool.gate.set()
        first.join(120)
        assert edge.post("/v1/traces", body(text="y" * (2 * MIB - 200)))[0] == 200


def test_a_hundred_thousand_spans_in_one_request(fresh: Running) -> None:
    scope = b"".join(
        b"\x12\x1c\x0a\x10" + number.to_bytes(16, "big") + b"\x12\x08" + number.to_bytes(8, "big")
        for number in range(1, 100_001)
    )
    resource = b"\x12" + _varint(len(scope)) + scope
    status, _, _ = fresh.post("/v1/traces", b"\x0a" + _varint(len(resource)) + resource)
    assert status == 200
    assert fresh.spool.envelopes[0].items == 100_000
