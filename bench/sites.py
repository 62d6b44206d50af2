"""sites.py DEPTH COUNT: microseconds to make and close a socket, made with DEPTH frames of Python."""
import socket
import sys
import time

DEPTH, COUNT = map(int, sys.argv[1:])


def descend(depth):
    if depth > 2:
        return descend(depth - 1)
    return measure()


def measure():
    # The first ones prove to the library how this interpreter is read.
    for _ in range(100):
        socket.socket().close()
    start = time.perf_counter_ns()
    for _ in range(COUNT):
        socket.socket().close()
    return (time.perf_counter_ns() - start) / COUNT / 1000


# The module, measure and the constructor are frames as well.
print(descend(DEPTH - 2))
