"""Opens a listening socket, hands it over as systemd does, and becomes a program: `activate.py PORT PROGRAM ARGUMENTS…`."""

import fcntl
import os
import socket
import sys

FIRST = 3

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
if listener.fileno() != FIRST:
    os.dup2(listener.fileno(), FIRST)
fcntl.fcntl(FIRST, fcntl.F_SETFD, 0)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
os.execv(sys.argv[2], sys.argv[2:])
