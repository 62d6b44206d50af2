"""Forks with sockets that were all made at the end of a long stack: too much for one event."""
import os
import socket

sockets = []


def make(depth):
    if depth:
        return make(depth - 1)
    sockets.extend(socket.socket() for _ in range(300))


make(60)
child = os.fork()
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
