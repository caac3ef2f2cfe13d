# Writes rows of 8 KiB, of which a half compresses, into `shop.orders`, which every node has a copy of. Then counts them.
import random, sys
from cassandra import ConsistencyLevel
from cassandra.cluster import Cluster
from cassandra.concurrent import execute_concurrent_with_args

address, rows = sys.argv[1], int(sys.argv[2])
session = Cluster([address], connect_timeout=60).connect()
session.default_timeout = 120
session.execute("CREATE KEYSPACE IF NOT EXISTS shop WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 3}")
session.execute("CREATE TABLE IF NOT EXISTS shop.orders (id bigint PRIMARY KEY, body blob)")
if rows:
    insert = session.prepare("INSERT INTO shop.orders (id, body) VALUES (?, ?)")
    insert.consistency_level = ConsistencyLevel.ALL
    pages = random.Random(20261123)
    made = ((number, pages.randbytes(4096) + b"order line " * 372) for number in range(rows))
    for done, result in execute_concurrent_with_args(session, insert, made, concurrency=24, results_generator=True):
        if not done:
            raise result
count = session.execute("SELECT count(*) FROM shop.orders").one()[0]
print(count)
