-- Facts: what was said (spans, signals, scores), kept as it came, and what it means (exchanges), small and rewritable.
-- Words in braces are filled in by the migration runner: see warehouse/schema.py.

CREATE TABLE IF NOT EXISTS spans {on_cluster}
(
    project         LowCardinality(String),
    at              DateTime64(6, 'UTC')            COMMENT 'start, clamped into what the clock can believe; decides window and partition',
    trace_id        FixedString(16),
    span_id         FixedString(8),
    parent_id       FixedString(8)                  COMMENT 'zeros: a root',
    form            Enum8('span' = 1, 'log' = 2, 'plain' = 3) COMMENT 'how it came: a span, a log record, plain JSON',
    row_key         UInt64                          COMMENT 'identity of this row: a second row with the same key is a duplicate',
    trace_key       UInt64                          COMMENT 'sipHash64(project, trace_id)',
    response_key    UInt64                          COMMENT 'sipHash64(project, response id), 0 without one',
    segment         UInt64                          COMMENT 'the spool segment it was loaded from',
    received        DateTime64(6, 'UTC'),
    start_ns        UInt64                          COMMENT 'as sent',
    end_ns          UInt64                          COMMENT 'as sent',
    name            LowCardinality(String),
    otel_kind       UInt8,
    status_code     UInt8                           COMMENT '0 unset, 1 ok, 2 error',
    status_message  String CODEC(ZSTD(1)),
    scope           LowCardinality(String),
    scope_version   LowCardinality(String),
    resource        Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'strings as they are, other values as JSON text',
    attributes      Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'string attributes; long texts that stand in input or output too are spliced, see warehouse/splice.py',
    attributes_json Map(LowCardinality(String), String) CODEC(ZSTD(1)) COMMENT 'every other attribute, as JSON text',
    events          String CODEC(ZSTD(1))           COMMENT 'JSON array, empty without events',
    links           String CODEC(ZSTD(1))           COMMENT 'JSON array, empty without links',
    flags           Array(LowCardinality(String))   COMMENT 'what was odd about it: clock_skew, bad_utf8, truncated, ...',
    -- What the dialects say (observe/dialects): empty or NULL where they say nothing.
    op              LowCardinality(String)          COMMENT 'call | embedding | tool | retriever | agent | chain | evaluator | empty',
    requested_model LowCardinality(String),
    model           LowCardinality(String)          COMMENT 'answered, else empty',
    provider        LowCardinality(String),
    response_id     String CODEC(ZSTD(1)),
    user_id         String CODEC(ZSTD(1)),
    session_id      String CODEC(ZSTD(1)),
    release         LowCardinality(String),
    environment     LowCardinality(String),
    prompt_name     LowCardinality(String),
    prompt_version  LowCardinality(String),
    input           String CODEC(ZSTD(1))           COMMENT 'the last user message, or the plain input',
    output          String CODEC(ZSTD(1))           COMMENT 'the text of the answer',
    input_tokens    Nullable(UInt32)                COMMENT 'all input tokens, cached ones included',
    output_tokens   Nullable(UInt32)                COMMENT 'all output tokens, reasoning included',
    cached_tokens   Nullable(UInt32)                COMMENT 'read from a cache; part of input_tokens',
    cache_write_tokens Nullable(UInt32)             COMMENT 'written to a cache; part of input_tokens',
    reasoning_tokens Nullable(UInt32)               COMMENT 'part of output_tokens',
    cost            Nullable(Float64)               COMMENT 'as told by the sender, in USD',
    ttft_ms         Nullable(Float64),
    streaming       Nullable(Bool),
    finish_reason   LowCardinality(String),
    error           String CODEC(ZSTD(1))           COMMENT 'what went wrong, in the sender''s words; empty: nothing did',
    tags            Array(LowCardinality(String)),
    documents       String CODEC(ZSTD(1))           COMMENT 'JSON array of {id, text, score, source}; empty: none',
    tool_calls      String CODEC(ZSTD(1))           COMMENT 'JSON array of {id, name, arguments}; empty: none',
    INDEX by_trace trace_key TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_user user_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_session session_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {merge_tree}
PARTITION BY toYYYYMMDD(at)
ORDER BY (project, at, trace_id, span_id)
SETTINGS {durable};

CREATE TABLE IF NOT EXISTS exchanges {on_cluster}
(
    project         LowCardinality(String),
    at              DateTime64(6, 'UTC')            COMMENT 'start of its own span: never changes for an id',
    trace_id        FixedString(16),
    span_id         FixedString(8)                  COMMENT 'the exchange is <trace_id>-<span_id>',
    version         UInt64                          COMMENT 'the newest one counts: read this table with FINAL',
    gone            UInt8                           COMMENT '1: this row was merged into another, or erased',
    row_key         UInt64                          COMMENT 'of its own span',
    trace_key       UInt64,
    response_key    UInt64,
    is_answer       Bool,
    is_call         Bool,
    answer_from     DateTime64(6, 'UTC')            COMMENT 'counts as an answer from then on (an orphan waits 60 s for its parent)',
    settles         DateTime64(6, 'UTC')            COMMENT 'open until then',
    received        DateTime64(6, 'UTC')            COMMENT 'of the last row that changed it',
    members         Array(FixedString(8))           COMMENT 'spans of this trace that tell the same exchange, its own first',
    input_row       UInt64                          COMMENT 'row_key of the row that holds its input text; 0: none',
    output_row      UInt64                          COMMENT 'row_key of the row that holds its output text; 0: none',
    input_start     String CODEC(ZSTD(1))           COMMENT 'the first 160 characters',
    output_start    String CODEC(ZSTD(1))           COMMENT 'the first 160 characters',
    input_chars     UInt32,
    output_chars    UInt32,
    name            LowCardinality(String),
    op              LowCardinality(String),
    model           LowCardinality(String)          COMMENT 'answered, else asked',
    requested_model LowCardinality(String),
    provider        LowCardinality(String),
    response_id     String CODEC(ZSTD(1)),
    user_id         String CODEC(ZSTD(1)),
    session_id      String CODEC(ZSTD(1)),
    release         LowCardinality(String),
    environment     LowCardinality(String),
    prompt_name     LowCardinality(String),
    prompt_version  LowCardinality(String),
    latency_ms      Nullable(Float64)               COMMENT 'NULL: nobody said how long it took',
    ttft_ms         Nullable(Float64),
    streaming       Nullable(Bool),
    finish_reason   LowCardinality(String),
    input_tokens    Nullable(UInt32),
    output_tokens   Nullable(UInt32),
    cached_tokens   Nullable(UInt32),
    cache_write_tokens Nullable(UInt32),
    reasoning_tokens Nullable(UInt32),
    cost            Nullable(Float64)               COMMENT 'USD',
    estimated       Array(LowCardinality(String))   COMMENT 'which of tokens, cost are our estimate',
    calls           UInt32                          COMMENT 'model calls it took',
    status          LowCardinality(String)          COMMENT 'ok | error | client_closed (open is read off settles)',
    error           String CODEC(ZSTD(1)),
    tags            Array(LowCardinality(String)),
    tools           Array(LowCardinality(String))   COMMENT 'names of the tools it called',
    flags           Array(LowCardinality(String)),
    INDEX by_trace trace_key TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_user user_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_session session_id TYPE bloom_filter(0.01) GRANULARITY 1
)
ENGINE = {replacing_merge_tree}(version, gone)
PARTITION BY toYYYYMMDD(at)
ORDER BY (project, at, trace_id, span_id)
SETTINGS {durable};

CREATE TABLE IF NOT EXISTS signals {on_cluster}
(
    project     LowCardinality(String),
    at          DateTime64(6, 'UTC'),
    id          String,
    row_key     UInt64                              COMMENT 'sipHash64(project, id): a second row with the same key is a duplicate',
    segment     UInt64,
    received    DateTime64(6, 'UTC'),
    name        LowCardinality(String),
    value       Nullable(Float64),
    label       LowCardinality(String),
    comment     String CODEC(ZSTD(1)),
    correction  String CODEC(ZSTD(1)),
    source      LowCardinality(String)              COMMENT 'api, langfuse, logfire, openinference, ...',
    trace_id    FixedString(16)                     COMMENT 'zeros: not about a trace',
    span_id     FixedString(8)                      COMMENT 'with trace_id: about one exchange',
    session_id  String,
    user_id     String
)
ENGINE = {merge_tree}
PARTITION BY toYYYYMM(at)
ORDER BY (project, at, id)
SETTINGS {durable};

CREATE TABLE IF NOT EXISTS scores {on_cluster}
(
    project     LowCardinality(String),
    at          DateTime64(6, 'UTC'),
    id          String,
    row_key     UInt64,
    segment     UInt64,
    received    DateTime64(6, 'UTC'),
    name        LowCardinality(String),
    value       Nullable(Float64),
    label       LowCardinality(String),
    reason      String CODEC(ZSTD(1)),
    scorer      LowCardinality(String),
    rung        LowCardinality(String)              COMMENT 'engine | model | judge | human',
    source      LowCardinality(String),
    trace_id    FixedString(16),
    span_id     FixedString(8)                      COMMENT 'zeros: about the whole trace',
    session_id  String
)
ENGINE = {merge_tree}
PARTITION BY toYYYYMM(at)
ORDER BY (project, at, id)
SETTINGS {durable};
