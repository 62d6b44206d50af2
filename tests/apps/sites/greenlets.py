"""Greenlets that switch while they make things: each has a stack of its own on one thread."""

import os
import socket

import gevent
from gevent import socket as cooperative

from known import stack, tell

descriptors, kept = {}, []
listener = cooperative.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
address = listener.getsockname()


def make(number, depth):
    """Makes things at several depths, with a switch before each."""
    gevent.sleep(0)
    if depth:
        return [make(number, depth - 1) for _ in range(1)]
    for _ in range(5):
        known = stack(); pair = socket.socketpair()  # noqa: E702
        kept.append(pair)
        descriptors.update((end.fileno(), known) for end in pair)
        gevent.sleep(0.001 * (number % 3))
        client = cooperative.socket()
        known = stack(); client.connect(address)  # noqa: E702
        kept.append((client, listener.accept()))
        descriptors[client.fileno()] = known


gevent.joinall([gevent.spawn(make, number, number) for number in range(10)], raise_error=True)
known = stack(); pid = os.fork()  # noqa: E702
if pid == 0:
    os._exit(0)
os.waitpid(pid, 0)
tell(fork=known, descriptors=descriptors)
os._exit(0)
