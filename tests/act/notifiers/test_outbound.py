"""Where messages may go: never to what only this machine can reach, however it is spelled."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

from homeostat.act.notifiers.outbound import Answer, Outbound, Unsent, bad_url, public
from tests.act.notifiers.receivers import receiving

INSIDE = [
    "127.0.0.1", "127.1.2.3", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "100.64.0.1", "100.127.255.254", "192.0.2.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "240.0.0.1",
    "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "::ffff:127.0.0.1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2002:a00:1::",
    "2001:db8::1", "2001:0:7f00:1:0:0:80ff:fffe",
]  # fmt: skip
OUTSIDE = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700::1111", "64:ff9b::101:101", "::ffff:8.8.8.8"]


@pytest.mark.parametrize("address", INSIDE)
def test_our_own_net_is_not_public(address: str) -> None:
    assert not public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OUTSIDE)
def test_the_open_net_is(address: str) -> None:
    assert public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org", "file:///etc/passwd", "gopher://127.0.0.1", "//example.org", "example.org", "http://",
        "http://u:p@example.org", "http://u@127.0.0.1", "https://example.org:99999/", "https://example.org:0/", "http://[::1",
        "https://exa mple.org", "https://example.org\\@127.0.0.1/", "https://example.org/\r\nx", "javascript:alert(1)",
        "data:text/plain,x", "HTTP2://example.org", "http:///path", "unix:///var/run/docker.sock",
    ],
)  # fmt: skip
def test_what_is_no_address(url: str) -> None:
    assert bad_url(url)
    assert isinstance(Outbound().send("POST", url), Unsent)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "localhost", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0x7f.1", "[::1]",
        "[::ffff:127.0.0.1]", "0.0.0.0", "0", "[::]", "127.0.0.1.", "LOCALHOST", "127.000.000.001",
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_no_spelling_reaches_this_machine(host: str, scheme: str) -> None:
    with receiving() as there:
        sent = Outbound(seconds=2).send("POST", f"{scheme}://{host}:{there.port}/hook", content=b"{}")
        assert isinstance(sent, Unsent), host
        assert there.seen == []


def test_a_name_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that says another address the second time changes nothing: nobody asks it again."""
    with receiving() as there:
        asked: list[str] = []
        real = socket.getaddrinfo

        def answers(host: Any, port: Any, *args: Any, **named: Any) -> Any:
            if str(host) != "rebind.example":
                return real(host, port, *args, **named)
            asked.append(str(host))
            address = "93.184.216.34" if len(asked) == 1 else "127.0.0.1"
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

        monkeypatch.setattr(socket, "getaddrinfo", answers)
        place = Outbound().place("rebind.example", there.port)
        assert place == "93.184.216.34"
        asked.clear()
        monkeypatch.setattr(Outbound, "_asked", lambda self, method, url, *rest: Unsent(url))
        sent = Outbound().send("POST", f"http://rebind.example:{there.port}/x")
        assert isinstance(sent, Unsent) and sent.error == f"http://93.184.216.34:{there.port}/x"
        assert len(asked) == 1 and there.seen == []


def test_one_address_inside_among_others_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(host: Any, port: Any, *args: Any, **named: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in ("93.184.216.34", "10.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    assert isinstance(Outbound().place("both.example", 443), Unsent)
    assert Outbound(frozenset({"10.0.0.0/8"})).place("both.example", 443) == "93.184.216.34"
    assert Outbound(frozenset({"both.example"})).place("both.example", 443) == "93.184.216.34"


def test_ports_of_other_services(monkeypatch: pytest.MonkeyPatch) -> None:
    there = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.216.34", 0))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **named: there)
    for port in (22, 23, 110, 143, 389, 445):
        assert isinstance(Outbound().place("example.org", port), Unsent), port
    for port in (80, 443, 587, 8443):
        assert Outbound().place("example.org", port) == "93.184.216.34"


def test_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as there, receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        sent = Outbound(frozenset({"127.0.0.1"})).send("POST", there.url, content=b"x")
        assert isinstance(sent, Answer) and sent.status == 200
        assert (len(there.seen), len(proxy.seen)) == (1, 0)
        assert there.seen[0].headers["host"] == f"127.0.0.1:{there.port}"
