"""What the ingestor is measured beside, each a process of its own.

``python -m tests.benchmarks.consumers MODE URL PORT MESSAGES`` says READY when it is
subscribed, and DONE with the monotonic time when it has handled so many messages.

ceiling: our subscriber decodes and acknowledges, nothing is stored.
bare: our path as far as the block, then COPY into a table without key, acknowledged after commit.
script: paho as its tutorial has it, one INSERT and one commit a message.
"""

import json
import sys
import time

import paho.mqtt.client as paho
import psycopg

from ingest.intake import MAX_PAYLOAD, digest
from ingest.mqtt import topics
from ingest.mqtt.client import Subscriber
from ingest.mqtt.inbox import Inbox
from ingest.placement import Placement
from ingest.writer import Rhythm
from models.store import catalogue, recording
from models.store.database import Database
from tests.brokers import link

BARE = """\
CREATE TABLE IF NOT EXISTS bare (datastream_id int, seq int, time timestamptz, value float8,
    raw float8, received timestamptz, quality smallint, unit smallint)"""
PLAIN = """\
CREATE TABLE IF NOT EXISTS plain (device text, channel text, time timestamptz, value float8)"""


def say(word):
    print(word, time.monotonic(), flush=True)


def subscribed(port, messages, handle, **pace):
    """Run our subscriber and inbox, with the rhythm of the writer or another one."""
    inbox, rhythm = Inbox(), Rhythm(**pace)
    subscriber = Subscriber(
        link(port, "beside"), topics.subscriptions(), inbox, max_payload=MAX_PAYLOAD
    )
    subscriber.start()
    while not subscriber.connected:
        time.sleep(0.01)
    say("READY")
    done = 0
    while done < messages:
        some = inbox.take(
            rhythm.most,
            wait=0.5,
            linger=rhythm.linger,
            quiet=rhythm.quiet,
            most_bytes=rhythm.most_bytes,
        )
        handle(some)
        subscriber.settle(some)
        done += len(some)
    say("DONE")
    subscriber.stop()


def ceiling(_url, port, messages):
    def decode(some):
        for message in some:
            address = topics.parse(message.topic)
            address.format.decode(address, message.payload)

    # in batches as large as those of a slow database: many small acknowledgements would
    # cost the broker more than the readings cost us
    subscribed(port, messages, decode, quiet=0.05)


def bare(url, port, messages):
    database = Database(url, pool_size=2)
    with database.writing() as tx:
        tx.driver.execute(BARE)
    with database.reading() as tx:
        placement = Placement(catalogue.load(tx))
    recording._COPY = recording._COPY.replace("COPY reading", "COPY bare")

    def copy(some):
        if some:
            block = digest(some, placement).block
            with database.writing() as tx:
                recording._copy(tx, block, recording._unit_numbers(tx, block))

    subscribed(port, messages, copy)
    database.close()


def script(url, port, messages):
    connection = psycopg.connect(url)
    connection.execute(PLAIN)
    connection.commit()
    left = [messages]

    def on_message(client, _data, message):
        body = json.loads(message.payload)
        device = message.topic.split("/")[-2]
        rows = body if isinstance(body, list) else [body]
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO plain VALUES (%s, %s, %s, %s)",
                [(device, row["channel"], row["time"], row["value"]) for row in rows],
            )
        connection.commit()
        left[0] -= 1
        if left[0] == 0:
            say("DONE")
            client.disconnect()

    client = paho.Client(paho.CallbackAPIVersion.VERSION2)
    client.on_connect = lambda *_: client.subscribe("heitu/v1/+/readings", qos=1)
    client.on_subscribe = lambda *_: say("READY")
    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.loop_forever()


if __name__ == "__main__":
    mode, url, port, messages = sys.argv[1:]
    {"ceiling": ceiling, "bare": bare, "script": script}[mode](url, int(port), int(messages))
