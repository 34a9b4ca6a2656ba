"""A labelled set: texts as people and programs write them, with what in them must go, and what only looks like it.

Made by a seed, of shapes that are documented by their issuers. None of the keys opens anything.
"""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

ALNUM = string.ascii_letters + string.digits
UPPER = string.ascii_uppercase + string.digits
HEX = "0123456789abcdef"
URLSAFE = ALNUM + "-_"


@dataclass(frozen=True)
class Labelled:
    """`hidden` are the parts of the text that must not be in it afterwards."""

    text: str
    hidden: tuple[str, ...] = ()
    kind: str = ""


def _some(rng: random.Random, letters: str, size: int) -> str:
    """Letters of which at least one is a digit and one is not, as in every real key."""
    made = "".join(rng.choice(letters) for _ in range(size - 2))
    return made + rng.choice([c for c in letters if c.isdigit()]) + rng.choice([c for c in letters if c.isalpha()])


def _jwt(rng: random.Random) -> str:
    parts = (b'{"alg":"HS256","typ":"JWT"}', json.dumps({"sub": rng.randrange(10**6)}).encode(), rng.randbytes(32))
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _pem(rng: random.Random) -> str:
    name = rng.choice(("RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED "))
    body = base64.b64encode(rng.randbytes(200)).decode()
    lines = "\n".join(body[n : n + 64] for n in range(0, len(body), 64))
    return f"-----BEGIN {name}PRIVATE KEY-----\n{lines}\n-----END {name}PRIVATE KEY-----"


SHAPES: dict[str, Callable[[random.Random], str]] = {
    "openai": lambda r: "sk-" + _some(r, ALNUM, 48),
    "openai project": lambda r: "sk-proj-" + _some(r, URLSAFE, 120),
    "anthropic": lambda r: "sk-ant-api03-" + _some(r, URLSAFE, 93),
    "openrouter": lambda r: "sk-or-v1-" + _some(r, HEX, 64),
    "aws id": lambda r: r.choice(("AKIA", "ASIA")) + _some(r, UPPER, 16),
    "github": lambda r: r.choice(("ghp_", "gho_", "ghs_", "ghu_")) + _some(r, ALNUM, 36),
    "github fine": lambda r: "github_pat_" + _some(r, ALNUM, 22) + "_" + _some(r, ALNUM, 59),
    "gitlab": lambda r: "glpat-" + _some(r, URLSAFE, 20),
    "slack": lambda r: f"xoxb-{r.randrange(10**11, 10**12)}-{r.randrange(10**11, 10**12)}-{_some(r, ALNUM, 24)}",
    "google": lambda r: "AIza" + _some(r, URLSAFE, 35),
    "google oauth": lambda r: "ya29." + _some(r, URLSAFE, 80),
    "hugging face": lambda r: "hf_" + _some(r, ALNUM, 34),
    "groq": lambda r: "gsk_" + _some(r, ALNUM, 52),
    "replicate": lambda r: "r8_" + _some(r, ALNUM, 37),
    "npm": lambda r: "npm_" + _some(r, ALNUM, 36),
    "pypi": lambda r: "pypi-" + _some(r, URLSAFE, 150),
    "stripe": lambda r: r.choice(("sk_live_", "sk_test_", "rk_live_")) + _some(r, ALNUM, 24),
    "sendgrid": lambda r: f"SG.{_some(r, URLSAFE, 22)}.{_some(r, URLSAFE, 43)}",
    "twilio": lambda r: "SK" + _some(r, HEX, 32),
    "perplexity": lambda r: "pplx-" + _some(r, ALNUM, 48),
    "nvidia": lambda r: "nvapi-" + _some(r, ALNUM, 64),
    "langsmith": lambda r: f"lsv2_pt_{_some(r, HEX, 32)}_{_some(r, HEX, 10)}",
    "ours": lambda r: f"hs_{_some(r, ALNUM, 12)}_{_some(r, ALNUM, 30)}_{_some(r, HEX, 8)}",
    "jwt": _jwt,
    "private key": _pem,
}
#: Secrets that are told only by what stands before them.
NAMED: dict[str, Callable[[random.Random], str]] = {
    "bearer": lambda r: _some(r, URLSAFE, r.randrange(24, 60)),
    "basic": lambda r: base64.b64encode(f"user:{_some(r, ALNUM, 12)}1".encode()).decode(),
    "aws secret": lambda r: _some(r, ALNUM + "/+", 40),
    "password": lambda r: _some(r, ALNUM, r.randrange(10, 24)),
    "url password": lambda r: _some(r, ALNUM, r.randrange(8, 20)),
}
AROUND: dict[str, tuple[str, ...]] = {
    "bearer": ('curl -H "Authorization: Bearer {}" https://api.example.org', "authorization: bearer {}", "Bearer {}"),
    "basic": ("Authorization: Basic {}", '{{"authorization": "Basic {}"}}'),
    "aws secret": ("AWS_SECRET_ACCESS_KEY={}", "aws_secret_access_key = {}", '"secretAccessKey": "{}"'),
    "password": ("password={}", "DB_PASSWORD: {}", '{{"password": "{}"}}', "api_key = '{}'", "client_secret={}&x=1"),
    "url password": ("postgres://admin:{}@db.internal:5432/shop", "redis://default:{}@cache/0"),
}
PLACES = (
    "{}", "My key is {}, why does it not work?", "export OPENAI_API_KEY={}", 'client = OpenAI(api_key="{}")',
    "x-api-key: {}", "see <{}>.", "| key | {} |", "({})", "'{}'", "token={}&next=1",
    "Error: invalid credentials: {}\n  at",
)  # fmt: skip

NAMES = ("anna", "ben.o-neil", "c_d", "li+news", "x", "maria.da.silva", "j99")
DOMAINS = ("example.org", "mail.example.co.uk", "a-b.example.com", "uni.example.de", "x.io")
IBANS = (
    "DE89370400440532013000", "GB29NWBK60161331926819", "FR1420041010050500013M02606", "ES9121000418450200051332",
    "IT60X0542811101000000123456", "NL91ABNA0417164300", "CH9300762011623852957", "PL61109010140000071219812874",
    "AT611904300234573201", "BE68539007547034", "SE4550000000058398257466", "NO9386011117947",
)  # fmt: skip
CARDS = (
    "4111111111111111", "5555555555554444", "378282246310005", "6011111111111117", "3530111333300000",
    "4012888888881881", "5105105105105100", "4222222222222", "2223003122003222",
)  # fmt: skip
PHONES = (
    "+49 30 12345678", "+49 (0)30 123456", "030/1234567", "(555) 123-4567", "555-123-4567", "555.123.4567",
    "+1 555 123 4567", "+1-555-123-4567", "+44 20 7946 0958", "020 7946 0958", "+33 1 23 45 67 89", "01 23 45 67 89",
    "+34 612 345 678", "+81-3-1234-5678", "+91 98765 43210", "+15551234567", "+4915112345678", "0049 151 12345678",
    "+43 1 58858 0", "(030) 12345678", "0151 23456789", "+41 44 668 18 00", "+61 2 9374 4000", "+55 11 91234-5678",
)  # fmt: skip
IPS = ("10.1.2.3", "192.168.178.20", "203.0.113.77", "8.8.4.4", "2001:db8::8a2e:370:7334", "fe80::1ff:fe23:4567:890a")
SAID = (
    "Write to {} please.",
    "{}",
    "contact: {}; thanks",
    '{{"v": "{}"}}',
    "I am at {}, call me",
    "Von {} an uns",
    "[{}]",
)

#: Texts with nothing to hide, though parts of them look like it.
HARMLESS = (
    "Order 4111111111111112 was shipped on 2026-11-20 at 14:05:33.",
    "Invoice 2026-0815-4711, total 1,299.00 EUR, VAT 19 %.",
    "Version 1.2.3 fixes #1234; upgrade from 10.4.22 to 11.0.1-rc2.",
    "ISBN 978-3-16-148410-0, EAN 4006381333931.",
    "commit 9fceb02d0ae598e95dc970b74767f19372d61af8 of 2026-11-20T10:00:00.123456Z",
    "id 550e8400-e29b-41d4-a716-446655440000 took 1532.25 ms",
    "Coordinates 52.520008, 13.404954; altitude 34 m.",
    "Pi is 3.14159265358979, e is 2.718281828459045.",
    "Ratio 16:9, time 12:34:56, range 10-20, score 3:2.",
    "The secret of good bread is time. The password policy asks for twelve characters.",
    "Our basic plan has 5 seats; bearer of good news.",
    "def f(x): return x @ w  # matrix product @ scale",
    "@anna please ask #support, or see docs/a.md@main",
    "sk-learn and task-oriented models; risk-free; desk-lamp-with-a-very-long-name",
    "Listen on 127.0.0.1:4400 or 0.0.0.0; mask 255.255.255.0 is fine to say? no",
    "key: value, token budget 4096, max_tokens=1024, secret santa",
    "std::vector<int>::iterator it = a::b::c; C:/x: y",
    "2026-11-20 2026-11-21 2026-11-22 10:00 11:00 12:00",
    "Add 250 g flour, 2 eggs, 125 ml milk; bake 35 min at 180 C.",
    "Population 83,240,525 in 2020; 84 482 267 in 2023.",
    "ACME0123456789 is the article, SKU 00-4711-0815.",
    "p95 840 ms, p99 1200 ms, 3/5 retries, 99.95 % up.",
    "Room A1-204, gate B22, seat 14C, flight LH 454.",
    "Price history: 12.50 13.00 12.75 13.25 14.00 13.50",
    "The answer is 42. Track 1Z999AA10123456784 by courier.",
    "x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]",
    "sha256:" + "ab12" * 16,
    "https://example.org/a/b?page=2&size=100#top",
    "<div class=\"row-12 col-3\" id=\"n1\">Hello</div>",
    "Öffnungszeiten: Mo-Fr 9-18 Uhr, Sa 10-14 Uhr.",
)  # fmt: skip


def secrets(seed: int, each: int = 12) -> list[Labelled]:
    rng = random.Random(seed)
    made = []
    for kind, make in SHAPES.items():
        for number in range(each):
            value = make(rng)
            made.append(_escaped(rng.choice(PLACES).format(value), value, kind, number))
    for kind, make in NAMED.items():
        for number in range(each):
            value = make(rng)
            made.append(_escaped(rng.choice(AROUND[kind]).format(value), value, kind, number))
    return made


def _escaped(text: str, value: str, kind: str, number: int) -> Labelled:
    """As it is; as a string inside JSON; as JSON inside JSON; for some as a part of an address."""
    if number % 4 == 1:
        return Labelled(json.dumps({"role": "user", "content": text}), (json.dumps(value)[1:-1],), kind)
    if number % 4 == 2:
        inner = json.dumps(json.dumps({"content": text}))
        return Labelled(inner, (json.dumps(json.dumps(value)[1:-1])[1:-1],), kind)
    if number % 4 == 3 and kind not in ("private key", "aws secret", "basic", "url password"):
        return Labelled(quote(text, safe="=:&?/"), (quote(value, safe="=:&?/"),), kind)
    return Labelled(text, (value,), kind)


def personal(seed: int, each: int = 60) -> list[Labelled]:
    rng = random.Random(seed)
    made = []
    for kind, values in _personal(rng, each).items():
        for number, value in enumerate(values):
            text = rng.choice(SAID).format(value)
            if number % 4 == 1:
                text, value = json.dumps({"content": text}), json.dumps(value)[1:-1]
            made.append(Labelled(text, (value,), kind))
    return made


def _personal(rng: random.Random, each: int) -> dict[str, list[str]]:
    emails = [f"{rng.choice(NAMES)}@{rng.choice(DOMAINS)}" for _ in range(each)]
    encoded = [mail.replace("@", "%40") for mail in emails[:8]]
    grouped = [" ".join(card[n : n + 4] for n in range(0, len(card), 4)) for card in CARDS]
    dashed = ["-".join(card[n : n + 4] for n in range(0, len(card), 4)) for card in CARDS if len(card) == 16]
    spaced = [" ".join(iban[n : n + 4] for n in range(0, len(iban), 4)) for iban in IBANS]
    return {
        "email": emails + encoded,
        "phone": [*PHONES, *PHONES],
        "card": [*CARDS, *grouped, *dashed],
        "iban": [*IBANS, *spaced],
        "ip": [*IPS, *IPS],
    }
