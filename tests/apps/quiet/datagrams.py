"""Metrics and log lines as datagrams on sockets that all workers share: a datagram is whole whoever sends it."""

import logging.handlers
import os
import socket

import statsd

collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
collector.bind(("127.0.0.1", 0))
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind("journal")
metrics = statsd.StatsClient(*collector.getsockname())
connected = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
connected.connect(collector.getsockname())
log = logging.getLogger("asked")
log.addHandler(logging.handlers.SysLogHandler("journal"))


def app(environ, start_response):
    """One datagram of each kind a request; as many log lines are read as are sent."""
    metrics.incr("asked")
    connected.send(b"asked:1|c")
    log.warning("asked")
    journal.recv(4096)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"worker %d\n" % os.getpid()]
