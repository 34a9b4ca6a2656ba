"""Nobody but the operator chooses where calls go, and no key is ever seen where it does not belong (S8, S9)."""

from __future__ import annotations

import base64
import json
import logging
import socket
from collections import Counter
from typing import Any

import pytest

from homeostat.config import Settings
from homeostat.doors import keys
from homeostat.gateway import upstreams
from tests.gateway.conftest import Gate, Open, Release, told
from tests.gateway.smuggled import CORPUS, SECOND, SMUGGLED
from tests.loop.serving import until

CANARY = "sk-canary-7f3a91c2e5d84b60"
OURS = keys.make(b"pepper").text
CHOOSERS = (
    "host", "x-upstream", "x-upstream-url", "x-base-url", "api-base", "x-api-base", "base-url", "x-forwarded-host",
    "forwarded", "x-original-url", "x-rewrite-url", "x-homeostat-upstream", "x-homeostat-endpoint",
    "x-homeostat-route", "x-litellm-api-base", "x-portkey-custom-host", "helicone-target-url", "openai-base-url",
    "x-http-method-override", "location", "via", "origin-url",
)  # fmt: skip


@pytest.mark.parametrize("name", CHOOSERS)
def test_no_header_chooses_the_upstream(gate: Gate, name: str, other: Any) -> None:
    value = f"127.0.0.1:{other.port}" if name == "host" else other.url
    status, _, _ = gate.ask({"model": "m"}, **{name: value})
    assert status in (200, 421)
    assert other.seen == []
    assert all(seen.header("host") == f"127.0.0.1:{gate.fake.port}" for seen in gate.fake.seen)


@pytest.mark.parametrize("name", ["api_base", "base_url", "api_key", "endpoint", "upstream", "custom_llm_provider"])
def test_no_field_of_the_body_chooses_it(gate: Gate, name: str, other: Any) -> None:
    inner = {name: other.url}
    status, _, _ = gate.ask({"model": "m", name: other.url, "homeostat": inner, "metadata": inner})
    assert (status, other.seen, len(gate.fake.seen)) == (200, [], 1)
    assert "homeostat" not in gate.fake.seen[0].json


def test_a_release_names_an_upstream_by_name_only(open_gate: Open, other: Any) -> None:
    gate = open_gate()
    gate.publish(Release("A", endpoint=other.url), shares={"A": 1.0})
    status, _, body = gate.ask({"model": "m"})
    assert (status, json.loads(body)["error"]["code"], other.seen) == (502, "unknown_endpoint", [])


def test_our_key_is_sent_and_the_clients_is_not(open_gate: Open) -> None:
    gate = open_gate(upstream_key=CANARY)
    gate.ask({"model": "m"}, authorization="Bearer sk-client", x_api_key="sk-client", api_key="sk-client")
    seen = gate.fake.seen[0]
    assert seen.header("authorization") == f"Bearer {CANARY}"
    assert not any("sk-client" in value for _, value in seen.headers)


def test_without_our_key_the_clients_goes_on(gate: Gate) -> None:
    gate.ask({"model": "m"}, authorization="Bearer sk-client", x_homeostat_key=OURS)
    gate.ask({"model": "m"}, "/v1/messages", x_api_key="sk-ant-client")
    assert gate.fake.seen[0].header("authorization") == "Bearer sk-client"
    assert gate.fake.seen[1].header("x-api-key") == "sk-ant-client"


@pytest.mark.parametrize("header", ["authorization", "x-api-key", "x-homeostat-key", "api-key"])
def test_a_key_of_ours_is_never_sent_on(gate: Gate, header: str) -> None:
    forms = [OURS, f"Bearer {OURS}", "Basic " + base64.b64encode(f"x:{OURS}".encode()).decode()]
    for form in forms:
        gate.ask({"model": "m"}, **{header: form})
    for seen in gate.fake.seen:
        assert not any(OURS in value or value.startswith("Basic") for _, value in seen.headers)


def test_the_clients_key_stays_with_the_default_upstream(open_gate: Open, other: Any) -> None:
    gate = open_gate(upstreams={"b": {"url": other.url}})
    gate.publish(Release("B", endpoint="b"), shares={"B": 1.0})
    assert gate.ask({"model": "m"}, authorization="Bearer sk-client")[0] == 200
    assert other.seen[0].header("authorization") == ""


def test_headers_of_the_connection_end_here(gate: Gate) -> None:
    status, headers, _ = gate.ask(
        {"model": "m"}, connection="close, x-mine", x_mine="1", te="trailers", cookie="a=b", proxy_authorization="x",
        x_forwarded_for="10.0.0.1", x_homeostat_user="u1", x_stainless_lang="python", openai_organization="org",
    )  # fmt: skip
    names = {name for name, _ in gate.fake.seen[0].headers}
    gone = {"connection", "x-mine", "te", "cookie", "proxy-authorization", "x-forwarded-for", "x-homeostat-user"}
    assert (status, names & gone) == (200, set())
    assert {"x-stainless-lang", "openai-organization"} <= names
    assert not {"x-secret-hop", "set-cookie"} & set(headers)
    assert "x-homeostat-release" not in headers, "what the upstream says in our name is dropped"
    assert headers["x-request-id"] == "req_1"


def raw(gate: Gate, request: bytes) -> bytes:
    """What a request answers that no client library would send."""
    with socket.create_connection(("127.0.0.1", gate.port), timeout=60) as client:
        client.sendall(request)
        client.shutdown(socket.SHUT_WR)
        said = b""
        while part := client.recv(4096):
            said += part
    return said


@pytest.mark.parametrize("request_", SMUGGLED)
def test_smuggled_requests_never_reach_the_upstream_twice(gate: Gate, request_: bytes) -> None:
    """Refused, or understood in one way: one request in, one request out, no header that the client did not send."""
    said = raw(gate, request_)
    assert len(gate.fake.seen) <= 1
    if not said.startswith(b"HTTP/1.1 200"):
        assert gate.fake.seen == []
    for seen in gate.fake.seen:
        assert seen.path == "/v1/chat/completions"
        assert seen.header("transfer-encoding") == ""
        assert len(seen.body) == int(seen.header("content-length"))


def marked(number: int, request: bytes) -> bytes:
    return request.replace(b"host: x\r\n", b"host: x\r\nx-case: %d\r\n" % number, 1)


@pytest.mark.parametrize("behind", [b"", SECOND], ids=["alone", "with another behind it"])
def test_a_hundred_ways_to_smuggle(gate: Gate, behind: bytes) -> None:
    """Nothing arrives upstream that is no call, nothing twice, nothing with a length that could be read in two ways."""
    assert len(CORPUS) >= 100
    for number, request in enumerate(CORPUS):
        raw(gate, marked(number, request) + behind)
    assert gate.ask({"model": "m"})[0] == 200
    until(lambda: gate.fake.seen[-1].body == b'{"model": "m"}')
    *seen, _ = gate.fake.seen
    times = Counter(one.header("x-case") for one in seen if one.header("x-case") != "second")
    assert len(seen) > 10
    assert max(times.values()) == 1
    for one in seen:
        request = CORPUS[int(one.header("x-case"))] if one.header("x-case").isdigit() else SECOND
        assert (one.method, one.path, one.body) == ("POST", "/v1/chat/completions", b"{}"), request
        assert (one.header("transfer-encoding"), one.header("content-length")) == ("", "2"), request
        assert one.header("host") == f"127.0.0.1:{gate.fake.port}", request
        assert "x-upstream" not in {name for name, _ in one.headers}, request


@pytest.mark.parametrize(
    "path",
    ["/v1/../v1/models", "/v1//models", "/v1/models/../../a", "/v1/models/a/b", "/v1/models/..", "/V1/models"],
)
def test_paths_are_fixed(gate: Gate, path: str) -> None:
    gate.send("GET", path)
    assert gate.fake.seen == []


def test_a_model_id_stays_inside_its_path(gate: Gate) -> None:
    gate.send("GET", "/v1/models/..%2f..%2fadmin%3fx=1")
    gate.send("GET", "/v1/models/a%3fx=1%0d%0ax:y")
    assert [seen.path for seen in gate.fake.seen] == ["/v1/models/a%3Fx%3D1%0D%0Ax%3Ay"]


def test_the_canary_is_nowhere(open_gate: Open, caplog: pytest.LogCaptureFixture) -> None:
    """The provider's key in no answer, header, log, trace, figure or repr, also when the provider itself repeats it."""
    caplog.set_level(logging.DEBUG)
    gate = open_gate(upstream_key=CANARY, gateway_retries=0, gateway_deadline=0.5)
    gate.publish(Release("A", model="x"), shares={"A": 1.0})
    said = []
    for fault in ("", "400", "401", "403", "429", "500", "302", "error_200", "cut_json", "hang", "close", "not_http"):
        for path in ("/v1/chat/completions", "/v1/messages", "/generate"):
            script = json.dumps({"fault": fault, "echo_key": True})
            said.append(gate.ask({"model": "m", "prompt": "Hi", "messages": []}, path, x_fake=script))
    assert any(b"[key]" in body for _, _, body in said), "the provider did repeat it"
    seen = [str(one) for one in said] + [repr(Settings(upstream_key=CANARY)), gate.send("GET", "/metrics")[2].decode()]
    seen += [caplog.text, repr(upstreams.read(Settings(upstream=gate.fake.url, upstream_key=CANARY)))]
    seen += [str(envelope.body) for envelope in gate.spool.envelopes]
    assert [text for text in seen if CANARY in text] == []
    assert all(seen.header("authorization") == f"Bearer {CANARY}" for seen in gate.fake.seen)


@pytest.mark.parametrize("url", [
    "ftp://example.org/v1", "file:///etc/passwd", "https://user:pw@example.org/v1", "https://example.org/v1?x=1",
    "https://example.org/v1#x", "gopher://x", "https://", "example.org/v1", "http://x:99999/v1", "https://x/a b",
])  # fmt: skip
def test_what_cannot_be_an_upstream_is_refused_at_start(url: str) -> None:
    with pytest.raises(upstreams.BadUpstream) as refused:
        upstreams.read(Settings(upstream=url, upstream_key=CANARY))
    assert CANARY not in str(refused.value)


def test_no_proxy_of_the_environment_is_used(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert gate.ask({"model": "m"})[0] == 200


def test_compressed_requests_are_refused(gate: Gate) -> None:
    status, _, body = gate.ask({"model": "m"}, content_encoding="gzip")
    assert (status, json.loads(body)["error"]["type"], gate.fake.seen) == (415, "invalid_request_error", [])


def test_too_large_is_told_in_the_apis_words(open_gate: Open) -> None:
    gate = open_gate(body_limit=1000)
    status, _, body = gate.ask({"model": "m", "x": "y" * 2000}, "/v1/messages")
    assert (status, json.loads(body)["error"]["type"]) == (413, "request_too_large")


def test_what_is_captured_names_no_key_of_the_client(gate: Gate) -> None:
    gate.ask({"model": "m"}, authorization="Bearer sk-client-secret")
    assert "sk-client-secret" not in str(told(gate.spans()[0]))
