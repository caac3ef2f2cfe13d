"""What the tests do with the pgq package: one verb a run. Prints payload and retry number of every event."""

import logging
import os
import sys
import tempfile

import pgq
import psycopg2

url, verb, *words = sys.argv[1:]


class Showing:
    """One batch of a consumer; the event with the named payload is tagged for a retry."""

    retried = None

    def process_event(self, db, event):
        print(event.ev_data, event.ev_retry)
        if self.retried == event.ev_data:
            event.tag_retry(1)

    @classmethod
    def one_batch(cls, consumer, sub=None):
        logging.disable(logging.CRITICAL)
        settings = ["[c]", "job_name = c", "queue_name = q", "consumer_name = " + consumer, "db = " + url]
        if sub:
            settings += ["subconsumer_name = " + sub, "subconsumer_timeout = 1 minute"]
        with tempfile.TemporaryDirectory() as directory:
            path = os.path.join(directory, "c.ini")
            with open(path, "w", encoding="utf8") as file:
                file.write("\n".join(settings) + "\n")
            reader = cls("c", "db", [path])
            reader.startup()
            reader.work()
            reader.close_database("db")


class Reader(Showing, pgq.Consumer):
    pass


class Member(Showing, pgq.CoopConsumer):
    pass


def call(statement, arguments):
    with psycopg2.connect(url) as connection:
        connection.cursor().execute(statement, arguments)


if verb == "produce":
    with psycopg2.connect(url) as connection:
        cursor = connection.cursor()
        payloads = [str(number) for number in range(int(words[0]))]
        half = len(payloads) // 2
        rows = [["2026-11-21 12:00:00+00", "test", payload] for payload in payloads[:half]]
        pgq.bulk_insert_events(cursor, rows, ["ev_time", "ev_type", "ev_data"], "q")
        for payload in payloads[half:]:
            pgq.insert_event(cursor, "q", "test", payload)
elif verb == "register":
    call("select pgq.register_consumer('q', %s)", words)
elif verb == "register-sub":
    call("select pgq_coop.register_subconsumer('q', %s, %s)", words)
elif verb == "consume":
    Showing.retried = words[1]
    Reader.one_batch(words[0])
elif verb == "consume-sub":
    Member.one_batch(words[0], words[1])
