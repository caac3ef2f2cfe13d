# Writes rows of 8 KiB, of which a half compresses, into `shop.orders`, which every node has a copy of. Then counts them.
import random, sys, time
from cassandra import ConsistencyLevel, OperationTimedOut, ReadFailure, ReadTimeout
from cassandra.cluster import Cluster
from cassandra.concurrent import execute_concurrent_with_args
from cassandra.policies import WhiteListRoundRobinPolicy

address, rows = sys.argv[1], int(sys.argv[2])
session = Cluster([address], connect_timeout=60, load_balancing_policy=WhiteListRoundRobinPolicy([address])).connect()
session.default_timeout = 120


def agree():
    """Waits until every node knows the two others and has their schema."""
    while True:
        versions = [row.schema_version for table in ("local", "peers_v2") for row in session.execute("SELECT schema_version FROM system." + table)]
        if len(versions) == 3 and len(set(versions)) == 1:
            return
        time.sleep(0.5)


agree()
session.execute("CREATE KEYSPACE IF NOT EXISTS shop WITH replication = {'class': 'NetworkTopologyStrategy', 'dc1': 3}")
agree()
session.execute("CREATE TABLE IF NOT EXISTS shop.orders (id bigint PRIMARY KEY, body blob)")
agree()
if rows:
    insert = session.prepare("INSERT INTO shop.orders (id, body) VALUES (?, ?)")
    insert.consistency_level = ConsistencyLevel.ALL
    pages = random.Random(20261123)
    made = ((number, pages.randbytes(4096) + b"order line " * 372) for number in range(rows))
    for done, result in execute_concurrent_with_args(session, insert, made, concurrency=24, results_generator=True):
        if not done:
            raise result


def count():
    """All rows. A node that has just started gives up a read that its clock, which stood still meanwhile, takes for too old."""
    for _ in range(20):
        try:
            return session.execute("SELECT count(*) FROM shop.orders").one()[0]
        except (OperationTimedOut, ReadFailure, ReadTimeout) as error:
            failure = error
            time.sleep(3)
    raise failure


print(count())
