import threading
import time

from ingest.mqtt.inbox import Inbox, Message


def messages(n, size=10):
    return [Message("t", b"x" * size, i, size, 1, i + 1) for i in range(n)]


def take(inbox, most=100, *, wait=0.0, linger=0.05, quiet=0.005):
    return inbox.take(most, wait=wait, linger=linger, quiet=quiet)


def test_messages_come_out_in_the_order_they_went_in():
    inbox = Inbox()
    inbox.put(messages(3))
    assert [m.mid for m in take(inbox, 2)] == [1, 2]
    assert [m.mid for m in take(inbox, 2)] == [3]
    assert take(inbox) == []


def test_a_full_batch_is_taken_without_waiting():
    inbox = Inbox()
    inbox.put(messages(50))
    began = time.monotonic()
    assert len(take(inbox, 50, linger=5, quiet=5)) == 50
    assert time.monotonic() - began < 1


def test_a_batch_closes_when_the_stream_goes_quiet():
    # a broker with a window of 20 sends nothing more until these are acknowledged
    inbox = Inbox()
    inbox.put(messages(20))
    began = time.monotonic()
    assert len(take(inbox, 2_000, linger=5, quiet=0.01)) == 20
    assert time.monotonic() - began < 1


def test_a_steady_trickle_is_gathered_for_the_linger_and_no_longer():
    inbox = Inbox()
    stop = threading.Event()

    def trickle():
        while not stop.wait(0.002):
            inbox.put(messages(1))

    sender = threading.Thread(target=trickle)
    sender.start()
    try:
        began = time.monotonic()
        taken = take(inbox, 100_000, wait=1, linger=0.2, quiet=0.1)
        took = time.monotonic() - began
    finally:
        stop.set()
        sender.join()
    assert len(taken) > 5
    assert 0.15 < took < 1


def test_it_is_full_by_number_or_by_bytes_and_empties_again():
    inbox = Inbox(capacity=3)
    inbox.put(messages(2))
    assert not inbox.full
    inbox.put(messages(1))
    assert inbox.full
    take(inbox, 1)
    assert not inbox.full
    inbox = Inbox(capacity_bytes=100)
    inbox.put(messages(1, size=100))
    assert inbox.full
    assert len(take(inbox)) == 1
    assert not inbox.full


def test_a_full_inbox_is_taken_from_at_once():
    inbox = Inbox(capacity=10)
    inbox.put(messages(10))
    began = time.monotonic()
    assert len(take(inbox, 100, linger=5, quiet=5)) == 10
    assert time.monotonic() - began < 1


def test_a_window_that_was_seen_once_is_taken_at_once_the_next_time():
    inbox = Inbox()
    inbox.put(messages(20))
    assert len(take(inbox, 2_000, linger=5, quiet=0.05)) == 20
    inbox.put(messages(20))
    began = time.monotonic()
    assert len(take(inbox, 2_000, linger=5, quiet=5)) == 20
    assert time.monotonic() - began < 1
    inbox.put(messages(50))  # the stream flows again: gather as before
    assert len(take(inbox, 2_000, linger=5, quiet=5)) == 50
    inbox.put(messages(30))
    assert len(take(inbox, 2_000, linger=0.05, quiet=0.01)) == 30


def test_a_batch_of_large_messages_ends_at_so_many_bytes():
    inbox = Inbox()
    inbox.put([Message("t", b"x" * 400, i, 400) for i in range(10)])
    began = time.monotonic()
    first = inbox.take(100, wait=1, linger=1, quiet=1, most_bytes=1_000)
    assert [message.received for message in first] == [0, 1, 2]
    assert time.monotonic() - began < 0.5  # what is enough is not waited for
    assert len(inbox.take(100, wait=1, linger=0, quiet=0)) == 7
    assert inbox._bytes == 0
