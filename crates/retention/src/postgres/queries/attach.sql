ALTER TABLE {parent} ATTACH PARTITION {partition} {bounds}
