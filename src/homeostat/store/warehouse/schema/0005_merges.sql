-- A merge that reads all columns at once holds a granule of every part in memory, whole texts and all: a gigabyte for
-- thirty parts. Column by column it takes a seventh of that and no longer; only small merges are quicker at once.

ALTER TABLE spans {on_cluster} MODIFY SETTING vertical_merge_algorithm_min_rows_to_activate = 16384;

ALTER TABLE exchanges {on_cluster} MODIFY SETTING vertical_merge_algorithm_min_rows_to_activate = 16384;
