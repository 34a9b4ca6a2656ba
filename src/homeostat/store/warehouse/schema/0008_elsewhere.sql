-- A gateway and an instrumentor tell one call in two traces. Who says something about it may know either id.

ALTER TABLE exchanges {on_cluster} ADD COLUMN IF NOT EXISTS elsewhere Array(FixedString(24)) CODEC(ZSTD(1))
    COMMENT 'spans of other traces that tell it, or a call below it: trace id and span id' AFTER members;
