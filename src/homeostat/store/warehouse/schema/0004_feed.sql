-- Scorers and detectors take exchanges in the order in which they became ready: settled, and no orphan any more.

ALTER TABLE exchanges {on_cluster} ADD INDEX IF NOT EXISTS by_ready greatest(settles, answer_from) TYPE minmax GRANULARITY 1;
