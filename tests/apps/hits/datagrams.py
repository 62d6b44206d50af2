"""Logs to a syslog and counts with a statsd in each request, over sockets made at import: each datagram is complete in itself, so workers
may share them."""

import logging
import logging.handlers
import os
import socket

from when import serving

path = f"\0forkguard-{os.getpid()}"
syslog = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
syslog.bind(path)
statsd = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
statsd.bind(("127.0.0.1", 0))
log = logging.getLogger("requests")
log.addHandler(logging.handlers.SysLogHandler(path))
counter = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
counter.connect(statsd.getsockname())
log.warning("loaded")


@serving
def app():
    log.warning("asked")
    counter.send(b"requests:1|c")
    # Nor does the log of a worker fill up.
    syslog.recv(100)
    statsd.recv(100)
