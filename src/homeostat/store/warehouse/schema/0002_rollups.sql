-- What charts ask for, added up by hour. Rebuilt from exchanges by warehouse/rollups.py; only the newest build of an hour
-- counts. Each build has one row with n = 0 and no dimensions: it says that the hour was built, even when it is empty.

CREATE TABLE IF NOT EXISTS rollups {on_cluster}
(
    project         LowCardinality(String),
    hour            DateTime('UTC'),
    build           UInt64                      COMMENT 'grows; the newest one of (project, hour) counts',
    marker          Bool                        COMMENT 'the row that says: this hour was built',
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
PARTITION BY toYYYYMMDD(hour)
ORDER BY (project, hour, build)
SETTINGS {durable};
