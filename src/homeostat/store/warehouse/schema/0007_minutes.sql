-- A busy hour is added up by minute before it can be added up as a whole, and what tells which builds count stands apart
-- and first. Rollups are made of the raw rows, so the table begins anew; the hours are found and added up after the start.

DROP TABLE IF EXISTS rollups {on_cluster} SYNC;

CREATE TABLE rollups {on_cluster}
(
    project         LowCardinality(String),
    grain           Enum8('marker' = 0, 'coarse' = 1, 'fine' = 2)
                    COMMENT 'marker: this was built, also when it is empty; coarse: only what it is, model and status are told apart; fine: all dimensions',
    start           DateTime('UTC')             COMMENT 'of the hour, or of the minute',
    seconds         UInt16                      COMMENT 'how long: 3600 or 60',
    build           UInt64                      COMMENT 'grows; the newest one counts, a minute only if it is newer than its hour',
    is_answer       Bool,
    is_call         Bool,
    model           LowCardinality(String),
    requested_model LowCardinality(String),
    provider        LowCardinality(String),
    release         LowCardinality(String),
    environment     LowCardinality(String),
    status          LowCardinality(String),
    prompt_name     LowCardinality(String),
    prompt_version  LowCardinality(String),
    name            LowCardinality(String),
    n               UInt64,
    latency_ms      Tuple(n UInt64, sum Float64, squares Float64, low Float64, high Float64),
    ttft_ms         Tuple(n UInt64, sum Float64, squares Float64, low Float64, high Float64),
    input_tokens    Tuple(n UInt64, sum Float64, squares Float64, low Float64, high Float64),
    output_tokens   Tuple(n UInt64, sum Float64, squares Float64, low Float64, high Float64),
    tokens          Tuple(n UInt64, sum Float64, squares Float64, low Float64, high Float64),
    cached_tokens   Tuple(n UInt64, sum Float64, squares Float64, low Float64, high Float64),
    cost            Tuple(n UInt64, sum Float64, squares Float64, low Float64, high Float64),
    calls           Tuple(n UInt64, sum Float64, squares Float64, low Float64, high Float64),
    latency_buckets Array(Int32) CODEC(Delta, ZSTD(1)) COMMENT 'sorted; see questions/measures/buckets.py',
    latency_counts  Array(UInt32) CODEC(ZSTD(1)),
    ttft_buckets    Array(Int32) CODEC(Delta, ZSTD(1)),
    ttft_counts     Array(UInt32) CODEC(ZSTD(1))
)
ENGINE = {merge_tree}
PARTITION BY toYYYYMM(start)
ORDER BY (project, grain, start, build)
SETTINGS {durable}, index_granularity_bytes = 1048576;
