"""SQL that makes staged rows of laid-out spans, by the plans of their shapes."""

# ruff: noqa: S608 (SQL made of our own tables only; values are bound)

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from homeostat.observe.dialects import ENUMERATED, FRAMEWORKS
from homeostat.observe.fast import words
from homeostat.observe.fast.plan import COLUMNS, KEY, How, Plan
from homeostat.observe.fast.text import SIMPLE_MESSAGES, SPACE, USUAL_MESSAGES, absent, choose, quote
from homeostat.observe.staged import LONGEST, NAMES, YEAR_2000
from homeostat.store.warehouse.splice import SPLICED, prepared

#: A plan as a row: for every mapped column how it is made and of which code; `planned` tells a plan from a missing one.
PLANS: Final = "(shape Array(UInt64), planned UInt8, op String, how Array(UInt8), place Array(UInt8))"

_COUNTS: Final = ("input_tokens", "output_tokens", "cached_tokens", "cache_write_tokens", "reasoning_tokens")
_NUMBERS: Final = ("cost", "ttft_ms")
_TEXTS: Final = ("input", "output", "documents", "tool_calls", "error")
_SAME: Final = (
    "env", "position", "project", "name", "otel_kind", "status_code", "status_message", "scope", "scope_version",
    "events", "exception", "links", "trace_id", "span_id", "parent_id", "start_ns", "end_ns",
)  # fmt: skip
_EMPTY: Final = {"streaming": "NULL", "tags": "[]::Array(String)"} | dict.fromkeys((*_COUNTS, *_NUMBERS), "NULL")

#: What is made of something that the shape does not know: it may turn out to be absent.
_FOUND: Final = frozenset((How.FIRST, How.LAST_USER, How.ANSWER, How.TAIL, How.THAT_REASON, How.EXCEPTION))
#: In which ways each column is made by the plans of a segment. What no plan uses costs nothing.
Uses = dict[str, frozenset[int]]


def uses(plans: Iterable[Plan]) -> Uses:
    """The ways that these plans use."""
    found: dict[str, set[int]] = {column: set() for column in COLUMNS}
    for one in plans:
        for column, (how, _) in zip(COLUMNS, one.picks, strict=True):
            found[column].add(how)
    return {column: frozenset(hows) for column, hows in found.items() if hows - {How.NOTHING}}


def _picked(column: str) -> tuple[str, str]:
    """(how it is made, the text that was picked for it)."""
    at = COLUMNS.index(column) + 1
    return f"how[{at}]", f"texts[places[place[{at}]]]"


def _messages(text: str) -> str:
    """Who said what, of simple messages."""
    read = f"JSONExtract({text}, 'Array(Tuple(role String, content String, parts Array(Tuple(content String))))')"
    said = "if(m.content != '', m.content, arrayStringConcat(arrayFilter(p -> p != '', m.parts.content), '\\n'))"
    return f"arrayMap(m -> (lower(m.role), {said}), {read})"


def _last_user(text: str) -> str:
    return f"arrayLast(m -> m.1 IN ('user', 'human') AND m.2 != '', {_messages(text)}).2"


def _answer(text: str) -> str:
    """The assistant's last words, if the conversation ends with them."""
    ai = "m.1 IN ('assistant', 'ai', 'model')"
    last = f"arrayFirst(m -> NOT ({ai}) OR m.2 != '', arrayReverse({_messages(text)}))"
    return f"arrayMap(m -> if({ai}, m.2, ''), [{last}])[1]"


def _text(column: str, hows: frozenset[int]) -> str:
    how, picked = _picked(column)
    reason = f"JSONExtractString({picked}, 1, 'finish_reason')"
    made = {h: f"JSONExtractString({picked}, {quote(words.KEYS[h - KEY])})" for h in hows if h >= KEY}
    made |= {
        How.NOTHING: "''",
        How.TAIL: f"lower(splitByChar('.', {picked})[1])",
        How.FIRST: f"JSONExtractString({picked}, 1)",
        How.LAST_USER: _last_user(picked),
        How.ANSWER: _answer(picked),
        How.MESSAGE: "status_message",
        How.WORD_ERROR: "'error'",
        How.EXCEPTION: "exception",
        How.REASON: f"if({absent(f'substring({reason}, 1, 256)')}, '', {reason})",
        How.THAT_REASON: reason,
    }
    return choose([(f"{how} = {h:d}", made[h]) for h in sorted(hows) if h in made], picked)


def _column(column: str, used: Uses) -> str:
    """The expression of a mapped column."""
    if column not in used:
        return _EMPTY.get(column, "''")
    how, picked = _picked(column)
    if column in _COUNTS:
        return f"if({how} = 0, NULL, toUInt32OrNull(splitByChar('.', {picked})[1]))"
    if column in _NUMBERS:
        scale = f" * if({how} = {How.SECONDS:d}, 1000, 1)" if column == "ttft_ms" else ""
        return f"if({how} = 0, NULL, toFloat64OrNull({picked}){scale})"
    if column == "streaming":
        true_false = f"{how} = {How.TRUE:d}, true, {how} = {How.FALSE:d}, false"
        return f"multiIf({how} = 0, NULL, {true_false}, toNullable(lower({picked}) = 'true'))"
    if column == "tags":
        trimmed = f"replaceRegexpAll(x, {quote(f'^{SPACE}+|{SPACE}+$')}, '')"
        return (
            f"if({how} = 0, []::Array(String), arrayFilter(x -> x != '', arrayMap(x -> {trimmed}, "
            f"if({how} = {How.COMMAS:d}, splitByChar(',', {picked}), JSONExtract({picked}, 'Array(String)')))))"
        )
    return _text(column, used[column])


def rows(flat: str, plans: str, used: Uses) -> str:
    """A SELECT of staged rows; `exact` marks the odd ones.

    `{attribute:UInt64}`, `{text:UInt64}`: what is longer (in bytes) is odd.
    """
    mapped = ", ".join(f"{_column(column, used)} AS {column}" for column in COLUMNS)
    same = ", ".join(_SAME)
    inner = (
        f"SELECT {same}, received, at_ns, own, keys, strings, texts, odd AS odd_values, planned, op, how, {mapped}, "
        f"{_unread(used)} AS unread FROM (SELECT * FROM {flat} WHERE fate = 'kept') AS f "
        f"ANY LEFT JOIN {plans} AS p USING (shape)"
    )
    judged = prepared(f"(SELECT *, {_odd(used)} AS odd FROM ({inner}))", *_own("s"))
    return f"SELECT {', '.join(f'{_staged(name, used)} AS {name}' for name in NAMES)} FROM {judged}"


def closely_read(flat: str, told: str) -> str:
    """A SELECT of staged rows whose mapped columns were read in Python."""
    made = {column: column for column in ("op", *COLUMNS)} | {"exact": "false"}
    columns = ", ".join(f"{made.get(name) or _staged(name, {})} AS {name}" for name in NAMES)
    both = f"(SELECT * FROM (SELECT * FROM {told}) AS t ANY INNER JOIN {flat} AS f USING (position))"
    return f"SELECT {columns} FROM {prepared(both, *_own('s'))}"


def _staged(name: str, used: Uses) -> str:
    made = {
        "exact": "odd",  # until the complete path has read it, this row stands in its place
        "ordinal": "position",
        "ident": "''",
        "form": "'span'",
        "at": "fromUnixTimestamp64Micro(toInt64(intDiv(at_ns, 1000)), 'UTC')",
        "received": "fromUnixTimestamp64Micro(toInt64(intDiv(received, 1000)), 'UTC')",
        "resource": "mapFromArrays(arraySlice(keys, own + 1), arraySlice(texts, own + 1))",
        "attributes": SPLICED,
        "attributes_json": f"mapFromArrays({', '.join(_own('NOT s'))})",
        "flags": "arraySort(arrayConcat("
        "if(at_ns != start_ns, ['clock_skew'], []), "
        f"if(start_ns BETWEEN {YEAR_2000} AND at_ns AND (end_ns < start_ns OR end_ns >= start_ns + {LONGEST}), "
        "['bad_time'], []), "
        "if(status_code = 0 AND status_message = 'client_closed', ['client_closed'], [])))",
    }
    if name in ("input_tokens", "output_tokens") and "input_tokens" in used and "output_tokens" in used:
        # No tokens at all: the sender did not count.
        return f"if(input_tokens = 0 AND output_tokens = 0, NULL, {_input(used) if name == 'input_tokens' else name})"
    if name == "input_tokens":
        return _input(used)
    return made.get(name, name)


def _input(used: Uses) -> str:
    """Cached tokens are part of the input: when they are more than it, the sender left them out."""
    if "cached_tokens" not in used and "cache_write_tokens" not in used:
        return "input_tokens"
    cached = "ifNull(cached_tokens, 0) + ifNull(cache_write_tokens, 0)"
    return f"if({cached} > input_tokens, least(input_tokens + {cached}, 4294967295), input_tokens)"


def _own(which: str) -> tuple[str, str]:
    """Keys and texts of the span's own strings, or of what else it tells."""
    part = "arrayFilter((x, s, i) -> {0} AND i <= own, {1}, strings, arrayEnumerate(keys))"
    return part.format(which, "keys"), part.format(which, "texts")


def _unread(used: Uses) -> str:
    """What the plan trusted to be simple, and is not."""
    checks = ["0"]
    for column in ("input", "output"):
        how, picked = _picked(column)
        if messages := used.get(column, frozenset()) & {How.LAST_USER, How.ANSWER}:
            bracket = f"arrayExists(m -> match(m.2, {quote(f'^{SPACE}*[[]')}), {_messages(picked)})"
            trusted = " OR ".join(f"{how} = {h:d}" for h in messages)
            short = _shortened(picked, column)
            usual = f"{short} IN ({', '.join(map(quote, USUAL_MESSAGES))})"
            simple = f"({usual} OR match({short}, {quote(SIMPLE_MESSAGES)}))"
            checks.append(f"if({trusted}, (NOT {simple}) + {bracket}, 0)")
        if How.WHOLE in used.get(column, ()):
            checks.append(f"({how} = {How.WHOLE:d} AND startsWith({picked}, '\"'))")
    checks += [f"({_unsure(column, how)})" for column in used for how in sorted(used[column]) if how >= KEY]
    if How.STRINGS in used.get("tags", ()):
        how, picked = _picked("tags")
        # Elements that are no texts, and those that may count as absent: blank, null, scrubbed, or escaped at once.
        doubt = r"""NOT startsWith(x, '"') OR match(x, '^"\\s*(null|\\[Scrubbed|"|\\\\)')"""
        mixed = f"arrayExists(x -> {doubt}, JSONExtractArrayRaw({picked}))"
        checks.append(f"({how} = {How.STRINGS:d} AND {mixed})")
    return "(" + " + ".join(checks) + ")"


def _shortened(messages: str, text: str) -> str:
    """Messages without the long text that was found in them, so that their form is checked in a few bytes.

    What is taken out is a whole JSON string between its quotes, and of those any may stand there.
    """
    shortened = messages
    for begun in ('"content": "', '"content":"'):
        shortened = f"replaceOne({shortened}, concat({quote(begun)}, {text}, '\"'), {quote(begun + chr(34))})"
    return f"if(length({text}) < 64 OR position({text}, {quote(chr(92))}) > 0, {messages}, {shortened})"


def _unsure(column: str, how: int) -> str:
    """What stands under the key is no text, or the two languages may not agree on which text stands there."""
    chosen, picked = _picked(column)
    key = words.KEYS[how - KEY]
    deep = f"countSubstrings({picked}, '[') + countSubstrings({picked}, '{{') > 400"
    twice = f"countSubstrings({picked}, {quote(f'{chr(34)}{key}{chr(34)}')}) != 1"
    other = f"JSONType({picked}, {quote(key)}) != 'String'"
    blank = f"position({column}, '\\0') > 0 OR {absent(f'substring({column}, 1, 256)')}"
    return f"{chosen} = {how} AND ({deep} OR {twice} OR {other} OR {blank})"


def _odd(used: Uses) -> str:
    """More than 0: the row must not be trusted, its envelope goes the complete path."""
    checks = ["odd_values", "NOT planned", "unread", "arrayExists(x -> length(x) > {attribute:UInt64}, texts)"]
    checks.append(f"{_longest('events', 'name', 'status_message', 'scope', 'scope_version')} > {{attribute:UInt64}}")
    short: list[str] = []
    for column in (column for column in COLUMNS if column in used):
        how = f"how[{COLUMNS.index(column) + 1}]"
        if column in (*_COUNTS, *_NUMBERS):
            checks.append(f"{how} > 0 AND {column} IS NULL")
        elif column == "tags":
            checks.append(f"{how} > 0 AND empty(tags)")
            checks.append("arrayExists(x -> length(x) > 1024, tags)")
        elif column != "streaming":
            if How.TAIL in used[column]:
                checks.append(f"{how} = {How.TAIL:d} AND {column} IN ({', '.join(map(quote, FRAMEWORKS))})")
            if column == "finish_reason":
                checks.append(f"startsWith({column}, {quote(ENUMERATED)})")
            if used[column] & _FOUND:
                trusted = f"{how} NOT IN ({How.NOTHING:d}, {How.TEXT:d}, {How.REASON:d})"
                checks.append(f"{trusted} AND {absent(f'substring({column}, 1, 256)')}")
            if column in _TEXTS:
                checks.append(f"length({column}) > {{text:UInt64}}")
            else:
                short.append(column)
    if short:
        checks.append(f"{_longest(*short)} > 1024")
    return "(" + " + ".join(f"({check})" for check in checks) + ") > 0"


def _longest(*texts: str) -> str:
    """How long the longest of some texts is."""
    return f"greatest(0, {', '.join(f'length({text})' for text in texts)})"
