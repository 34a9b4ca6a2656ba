"""What a segment looks like to the engine: the protobuf schema, the table it is decoded into, and the settings.

OTLP's `AnyValue` is recursive and the engine's structures are not, so two levels are spelled out. What lies deeper (a
list or map inside a list or map) is declared as bytes: it is not lost, it is noticed, and the exact path takes it.
Fields that we do not store are not declared; the engine skips them. Strings arrive as bytes, so invalid UTF-8 never
fails the load. Log records are identified by a hash of their bytes, which the engine cannot give once it has decoded
them: they are not declared either and go the complete path.
"""

from __future__ import annotations

from typing import Final

_VALUE: Final = (
    "oneof value {{ string s = 1; bool b = 2; int64 i = 3; double d = 4; {a} a = 5; {k} k = 6; bytes y = 7; }}"
)

#: `observe/otlp` reads the same fields; the numbers are those of opentelemetry-proto and of design/0001.
PROTOBUF: Final = f"""syntax = "proto3";
message Deep {{ {_VALUE.format(a="bytes", k="bytes")} }}
message DeepList {{ repeated Deep values = 1; }}
message DeepPair {{ string key = 1; Deep value = 2; }}
message DeepMap {{ repeated DeepPair values = 1; }}
message Value {{ {_VALUE.format(a="DeepList", k="DeepMap")} }}
message Pair {{ string key = 1; Value value = 2; }}
message Resource {{ repeated Pair attributes = 1; }}
message Scope {{ string name = 1; string version = 2; }}
message Status {{ string message = 2; uint64 code = 3; }}
message Event {{ fixed64 time = 1; string name = 2; repeated Pair attributes = 3; }}
message Link {{ bytes trace_id = 1; bytes span_id = 2; repeated Pair attributes = 4; }}
message Span {{ bytes trace_id = 1; bytes span_id = 2; bytes parent_id = 4; string name = 5; uint64 kind = 6;
  fixed64 start = 7; fixed64 end = 8; repeated Pair attributes = 9; repeated Event events = 11;
  repeated Link links = 13; Status status = 15; }}
message ScopeSpans {{ Scope scope = 1; repeated Span spans = 2; }}
message ResourceSpans {{ Resource resource = 1; repeated ScopeSpans scopes = 2; }}
message Traces {{ repeated ResourceSpans resources = 1; }}
message Envelope {{ fixed64 received = 4; string project = 6; fixed64 oldest = 8; string outcome = 9;
  Traces traces = 10; }}
"""

_KINDS: Final = "Enum8('' = 0, 's' = 1, 'b' = 2, 'i' = 3, 'd' = 4, 'a' = 5, 'k' = 6, 'y' = 7)"
_DEEP: Final = f"Tuple(value {_KINDS}, s String, b Bool, i Int64, d Float64, a String, k String, y String)"
_SHALLOW: Final = (
    f"Tuple(value {_KINDS}, s String, b Bool, i Int64, d Float64, a Tuple(values Array({_DEEP})), "
    f"k Tuple(values Array(Tuple(key String, value {_DEEP}))), y String)"
)
_PAIRS: Final = f"Array(Tuple(key String, value {_SHALLOW}))"
_SCOPE: Final = "Tuple(name String, version String)"
_RESOURCE: Final = f"Tuple(attributes {_PAIRS})"
_EVENTS: Final = f"Array(Tuple(time UInt64, name String, attributes {_PAIRS}))"
_LINKS: Final = f"Array(Tuple(trace_id String, span_id String, attributes {_PAIRS}))"
_SPANS: Final = (
    "Array(Tuple(trace_id String, span_id String, parent_id String, name String, kind UInt64, "
    "start UInt64, end UInt64, "
    f"attributes {_PAIRS}, events {_EVENTS}, links {_LINKS}, status Tuple(message String, code UInt64)))"
)
#: The columns that a segment's file has for the engine.
STRUCTURE: Final = (
    "received UInt64, project String, oldest UInt64, outcome String, traces Tuple(resources Array(Tuple("
    f"resource {_RESOURCE}, scopes Array(Tuple(scope {_SCOPE}, spans {_SPANS})))))"
)

#: One thread keeps the records in the order of the file, which is what an envelope's index means.
SETTINGS: Final = (
    f"format_schema_source = 'string', format_schema = '{PROTOBUF}', format_schema_message_name = 'Envelope', "
    "input_format_protobuf_oneof_presence = 1, input_format_parallel_parsing = 0, "
    "max_threads = 1, max_insert_threads = 1"
)
