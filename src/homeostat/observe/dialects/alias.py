"""The words of the alias table, and what each reader means: exactly enough to write every reader twice.

A *value* is what an attribute holds: a string, or (arrays, maps, numbers, booleans, bytes) its JSON.

Absent, whatever the reader: no such attribute; the empty string or only white space; a string that begins with
`[Scrubbed` ; JSON null (also as the string "null"). A reader may also find nothing; then the next alias is asked.

`path`: the value is parsed as JSON when it is a string, then one key (str) or index (int, from 0) after the other is
taken; strings met on the way are parsed as JSON again. Nothing there: absent.

Readers
    text           string as it is; number, boolean: as JSON writes it; array, map: absent.
    quoted         like text, but a string that is a JSON string ("\"gpt-4o\"") loses its quotes and escapes.
    first          array (or a string that is a JSON array): its first element by `text`; else `text`.
    tail           `text`, what stands before the first "." in small (ASCII) letters ("OpenAI.chat" -> "openai");
                   a framework's name (FRAMEWORKS): absent.
    integer        number, or string of one; cut to whole; negative or above 4294967295: absent.
    decimal        number, or string of one; finite.
    cost           `decimal`, above 0: a sender that knows no price says 0.
    total          map of numbers: the sum of all when it has no "total", else its "total"; then as `cost`.
    boolean        true, false, or the strings true, false, True, False (any case).
    when_true      like boolean, but false counts as nothing found (LangChain says false for streams too).
    present        true when there is a value.
    streams        boolean: does the text hold "stream" (any case).
    milliseconds   `decimal`, >= 0.
    seconds        `decimal` * 1000, >= 0; but a whole number (no double, no "."): milliseconds. Seconds are told as
                   doubles, and senders who tell an integer count milliseconds.
    instant        an ISO 8601 time (maybe in quotes): milliseconds after the start of the span, >= 0.
    since_start    only for events: milliseconds from the start of the span to the first event of that name, >= 0.
    strings        array, or string that is a JSON array: its elements by `text`; else the text split at commas; all
                   stripped, none empty.
    op             `quoted`, lower case, looked up in OPS; not there: absent.
    request        string that is a JSON map with a "model" and a "messages", "input" or "prompt": a request to a
                   provider: "embedding" when the model is called so, else "call".
    component      string, the class of a pipeline's component: what its last word is called, as op.
    input_usage    map, see USAGE below: all input tokens, cached ones included.
    output_usage   map: all output tokens, reasoning included.
    last_user      messages (exact/turns.py says what is): text of the last user message that has text (only tool
                   results: has none); not messages: the plain text of the value (exact/chat.py `plain`).
    answer_text    messages: of the assistant messages at the end, the text of the last that has text; not messages: the
                   plain text of the value. Messages without text: nothing, never their JSON.
    tool_calls     messages: tool calls of the assistant messages at the end, each id once, as JSON array of
                   {id, name, arguments} (arguments parsed when they are JSON); a bare list of calls too.
    documents      list of maps (or of strings): JSON array of {id, text, score, source} (exact/documents.py).
    result         messages: text of the last turn that has text, whoever speaks; not messages: `whole`.
    whole          the text as it is; arrays and maps as compact JSON; a JSON string without its quotes.

USAGE: a map in a provider's or Langfuse's words.
    prompt_tokens there: input = prompt_tokens (OpenAI; holds cached). output = completion_tokens.
    `input` there: input = sum of `input` and every `input_*` number, plus cache_read_input_tokens and
        cache_creation_input_tokens when there; output = sum of `output` and every `output_*`
        (Langfuse: the parts are disjoint).
    `input_tokens` there: input = input_tokens, plus cache_read_input_tokens and cache_creation_input_tokens when there
        (Anthropic: disjoint); output = output_tokens.
    promptTokenCount, prompt_token_count there: input = it; output = candidatesTokenCount + thoughtsTokenCount (Google).

After all fields: when cached + written tokens are more than input_tokens, the sender left them out: they are added.
Neither input nor output tokens, both told as 0: not counted, so absent.
last_user, answer_text: the first value that is messages decides, text or not (an answer may be tool calls only).
No op found: OP_MARKS; found: WRAPPERS may take it back.
finish_reason: without ENUMERATED before it (then in small letters).
`error` is empty for status 1, but not of a call that threw and gave nothing (no text, no tool calls, no output tokens);
nothing found for status 2: the word "error".
A log record: `attributes` are its own, then the keys of its body when that is a map; it is also its only event, named
as the record is (event_name, else LOG_NAME_ATTRIBUTES), with those attributes; another body is its attribute `body`
(but a text that is a JSON map counts as that map in a record that is a turn of a conversation).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Reader = Literal[
    "text", "quoted", "first", "tail", "integer", "decimal", "cost", "total", "boolean", "when_true", "present",
    "streams", "milliseconds", "seconds", "instant", "since_start", "strings", "op", "request", "component",
    "input_usage", "output_usage",
    "last_user", "answer_text", "tool_calls", "documents", "result", "whole",
]  # fmt: skip
Where = Literal["attributes", "resource", "event", "span"]


@dataclass(frozen=True, slots=True)
class Alias:
    """One place where a value may stand.

    where="attributes": `key` is an attribute of the span or log record. "resource": of its resource. "span": a column
    of the row itself (status_message, name). "event": `key` is the name of a span event; the first step of `path` names
    its attribute; with an empty path the value is the list of all events of that name as messages.
    `when`: holds only if that attribute has one of those values (lower case). `ops`: only for rows of these ops.
    """

    key: str
    read: Reader
    where: Where = "attributes"
    path: tuple[str | int, ...] = ()
    when: tuple[str, tuple[str, ...]] | None = None
    ops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Indexed:
    """Attributes that are numbered: `<prefix><N><suffix>`, N from 0, without gaps as a rule.

    The family is gathered into a list by N (the rest of each key, split at dots, becomes nested maps; numbers become
    lists) and that list is the value for `read`. `suffixes` say where the plain text stands, `role` where the role is.
    """

    prefix: str
    read: Reader
    suffixes: tuple[str, ...]
    role: str = ""
    ops: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """A column and the places to look for it, best first. `ops`: the column stays empty for rows of other ops."""

    column: str
    aliases: tuple[Alias | Indexed, ...]
    ops: tuple[str, ...] = ()
