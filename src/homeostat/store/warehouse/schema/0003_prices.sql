-- What tokens cost: one row for each (project, provider, model) that was seen. Filled by observe/prices.py; a model that
-- nobody knows has a row without windows, so that it is not looked up again and can be listed.

CREATE TABLE IF NOT EXISTS prices {on_cluster}
(
    project     LowCardinality(String),
    provider    LowCardinality(String),
    model       LowCardinality(String),
    filled      UInt64                  COMMENT 'the newest row counts: read this table with FINAL',
    basis       String                  COMMENT 'what it was read from: version of the price list, and the overrides of the project',
    windows     Array(Tuple(
        since       Int32,
        from_second UInt32,
        to_second   UInt32,
        tiers       Array(Tuple(
            above       Int64,
            input       Float64,
            output      Float64,
            cached      Float64,
            cache_write Float64,
            reasoning   Float64,
            request     Float64))))     COMMENT 'USD per token; the last window that holds the time of the call counts, in it the last tier that the input tokens are above'
)
ENGINE = {replacing_merge_tree}(filled)
ORDER BY (project, provider, model)
SETTINGS {durable};
