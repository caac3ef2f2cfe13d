-- Whether ticks know transactions that this server has not had yet: they came with a dump of another one.
select exists (select from pgq.tick t
                where pg_catalog.txid_snapshot_xmax(t.tick_snapshot)
                    > pg_catalog.txid_snapshot_xmax(pg_catalog.txid_current_snapshot()))
