"""What the edge does not answer itself goes to the core and back, byte by byte."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.loop.serving import Running, running_edge, until

Behave = Callable[[socket.socket, bytes], None]


class FakeCore:
    """Listens on a unix socket; reads a request's head and then behaves as the test says."""

    def __init__(self, path: Path) -> None:
        self.behave: Behave = lambda connection, head: None
        self.heads: list[bytes] = []
        self.ended = 0
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        connection.settimeout(120)
        data = b""
        while b"\r\n\r\n" not in data and (got := connection.recv(65536)):
            data += got
        head, _, rest = data.partition(b"\r\n\r\n")
        if head:
            self.heads.append(head)
            with contextlib.suppress(OSError):
                self.behave(connection, rest)
        connection.close()
        self.ended += 1

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, FakeCore]]:
    folder = tmp_path_factory.mktemp("edge")
    core = FakeCore(folder / "core.sock")
    with running_edge(folder, body_limit=1 << 20) as edge:
        yield edge, core
    core.close()


@pytest.fixture
def edge(both: tuple[Running, FakeCore]) -> Running:
    return both[0]


@pytest.fixture
def core(both: tuple[Running, FakeCore]) -> FakeCore:
    both[1].heads.clear()
    both[1].ended = 0
    return both[1]


def says(answer: bytes) -> Behave:
    return lambda connection, rest: connection.sendall(answer)


def swallow(connection: socket.socket, rest: bytes) -> None:
    """Read whatever comes and say nothing."""
    while connection.recv(65536):
        pass


def test_an_answer_with_a_length(edge: Running, core: FakeCore) -> None:
    core.behave = says(
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\nX-Kept: yes\r\nconnection: close\r\ndate: then\r\n\r\nhello"
    )
    status, headers, body = edge.send(
        "GET", "/api/v1/exchanges/a%2Fb?limit=5&q=a%20b", headers={"authorization": "Bearer k"}
    )
    assert (status, body, headers["x-kept"]) == (404, b"hello", "yes")
    assert headers["date"] != "then"
    line, *sent = core.heads[0].split(b"\r\n")
    assert line == b"GET /api/v1/exchanges/a%2Fb?limit=5&q=a%20b HTTP/1.1"
    assert b"authorization: Bearer k" in sent
    assert b"host: 127.0.0.1:%d" % edge.port in sent
    assert b"connection: close" in sent


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nabcdef",
        b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nabcdef",
    ],
)
def test_every_framing(edge: Running, core: FakeCore, answer: bytes) -> None:
    core.behave = says(answer)
    assert edge.send("GET", "/api/v1/status")[::2] == (200, b"abcdef")


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_answers_without_a_body(edge: Running, core: FakeCore, status: bytes) -> None:
    core.behave = says(b"HTTP/1.1 " + status + b"\r\netag: x\r\n\r\n")
    assert edge.send("GET", "/x")[0] == int(status[:3])


def test_head(edge: Running, core: FakeCore) -> None:
    core.behave = says(b"HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\n")
    status, _, body = edge.send("HEAD", "/x")
    assert (status, body) == (200, b"")


def test_hop_by_hop_headers_stay_here(edge: Running, core: FakeCore) -> None:
    core.behave = says(
        b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nkeep-alive: 5\r\nconnection: x-mine\r\nx-mine: 1\r\n\r\n"
    )
    sent = {
        "connection": "x-secret, authorization, close",
        "x-secret": "1",
        "te": "trailers",
        "authorization": "Bearer k",
    }
    _, headers, _ = edge.send("GET", "/x", headers=sent)
    head = core.heads[0].lower()
    assert b"x-secret" not in head
    assert b"te: trailers" not in head
    assert b"authorization: bearer k" in head
    assert "keep-alive" not in headers
    assert "x-mine" not in headers


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_is_passed_on(edge: Running, core: FakeCore, chunked: bool) -> None:
    wanted = bytes(range(256)) * 2000
    whole: list[bytes] = []

    def behave(connection: socket.socket, rest: bytes) -> None:
        data = rest
        enough = (lambda: data.endswith(b"0\r\n\r\n")) if chunked else (lambda: len(data) >= len(wanted))
        while not enough():
            data += connection.recv(65536)
        whole.append(data)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    core.behave = behave
    sent = iter([wanted[:100_000], wanted[100_000:]]) if chunked else wanted
    headers = {"transfer-encoding": "chunked"} if chunked else {}
    assert edge.send("POST", "/api/v1/keys", sent, headers)[0] == 200
    got = whole[0]
    if chunked:
        plain = b""
        while got:
            size, _, got = got.partition(b"\r\n")
            plain += got[: int(size, 16)]
            got = got[int(size, 16) + 2 :]
        got = plain
    assert got == wanted


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_beyond_the_limit(edge: Running, core: FakeCore, chunked: bool) -> None:
    core.behave = swallow
    sent = (bytes(1 << 18) for _ in range(5)) if chunked else bytes((1 << 20) + 1)
    status, _, body = edge.send("POST", "/x", sent, {"transfer-encoding": "chunked"} if chunked else {})
    assert (status, json.loads(body)["error"]["code"]) == (413, "too_large")


def test_events_arrive_as_they_happen(edge: Running, core: FakeCore) -> None:
    told = threading.Event()

    def behave(connection: socket.socket, rest: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        connection.sendall(b"8\r\ndata: 1\n\r\n")
        assert told.wait(60)
        connection.sendall(b"8\r\ndata: 2\n\r\n0\r\n\r\n")

    core.behave = behave
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=60)
    connection.request("GET", "/api/v1/live")
    answer = connection.getresponse()
    assert answer.readline() == b"data: 1\n"
    told.set()
    assert answer.read() == b"data: 2\n"


def test_a_client_that_leaves_ends_the_core_s_work(edge: Running, core: FakeCore) -> None:
    def behave(connection: socket.socket, rest: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n")
        assert connection.recv(1) == b""

    core.behave = behave
    with socket.create_connection(("127.0.0.1", edge.port), timeout=60) as client:
        client.sendall(b"GET /api/v1/live HTTP/1.1\r\nhost: a\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
    until(lambda: core.ended == 1)


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 garbage\r\n\r\n", b"HTTP/1.1 200 OK\r\ncontent-le"])
def test_a_core_that_breaks_off_is_away(edge: Running, core: FakeCore, answer: bytes) -> None:
    core.behave = says(answer)
    status, headers, body = edge.send("GET", "/x")
    assert (status, headers["retry-after"]) == (503, "1")
    error = json.loads(body)["error"]
    assert error["code"] == "core_away"
    assert error["message"]
    assert error["hint"]


def test_an_answer_cut_in_the_middle_is_seen_by_the_client(edge: Running, core: FakeCore) -> None:
    core.behave = says(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nabc")
    with pytest.raises(http.client.IncompleteRead):
        edge.send("GET", "/x")


def test_no_core_at_all(tmp_path: Path) -> None:
    with running_edge(tmp_path) as edge:
        status, _, body = edge.send("GET", "/api/v1/exchanges")
        assert (status, json.loads(body)["error"]["code"]) == (503, "core_away")
        assert edge.post("/v1/traces", b"")[0] == 200
