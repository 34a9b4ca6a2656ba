"""A head without end, in size or in time, ends its connection; ordinary ones never notice."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from homeostat.config import Settings
from homeostat.loop.connection import Connection
from homeostat.loop.edge import create_edge
from tests.loop.serving import FixedClock, MemorySpool, everybody, serve


class Short(Connection):
    """The same for less."""

    head_bytes = 10_000
    head_seconds = 60.0


class Hasty(Short):
    """And with less patience, which a machine that stands still would wear out where nothing is wrong."""

    head_seconds = 3.0


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    yield from served(tmp_path_factory.mktemp("edge"), Short)


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    yield from served(tmp_path_factory.mktemp("hasty"), Hasty)


def served(folder: Path, connection: type[Connection]) -> Iterator[int]:
    app = create_edge(
        Settings(data=folder),
        spool=MemorySpool(),
        guard=everybody,
        clock=FixedClock(),
        core_socket=folder / "core.sock",
    )
    with serve(app, http=connection) as port:
        yield port


def answer(connection: socket.socket) -> bytes:
    """Everything until the server closes, or until an answer without a body is complete."""
    out = b""
    try:
        while got := connection.recv(65536):
            out += got
            if out.endswith(b"\r\n\r\n"):
                break
    except ConnectionResetError:
        pass  # it was closed while we still wrote
    return out


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=60)


POST = b"POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-protobuf\r\ncontent-length: %d\r\n\r\n"


@pytest.mark.parametrize("begin", [b"", b"GET /hea", b"GET /healthz HTTP/1.1\r\nx: y"])
def test_a_head_that_never_ends_in_time(hasty: int, begin: bytes) -> None:
    with connect(hasty) as connection:
        connection.sendall(begin)
        assert answer(connection).startswith(b"HTTP/1.1 408 ")


def test_a_second_head_is_bounded_too(hasty: int) -> None:
    with connect(hasty) as connection:
        connection.sendall(POST % 0)
        assert answer(connection).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET /heal")
        assert answer(connection).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("line", [b"GET /%s HTTP/1.1\r\n" % (b"a" * 20_000), b"GET / HTTP/1.1\r\nx: " + b"a" * 20_000])
def test_a_head_that_is_too_large(port: int, line: bytes) -> None:
    with connect(port) as connection:
        connection.sendall(line)
        assert answer(connection).startswith(b"HTTP/1.1 431 ")


def test_large_bodies_and_many_requests_are_fine(port: int) -> None:
    span = b"\x0a\x20\x12\x1e\x12\x1c\x0a\x10" + b"t" * 16 + b"\x12\x08" + b"s" * 8
    body = span * 10_000
    with connect(port) as connection:
        for _ in range(20):
            connection.sendall(POST % len(body) + body)
            assert answer(connection).startswith(b"HTTP/1.1 200 ")
