"""A client whose exit handler says goodbye: to the leader's server in the child, too, unless that ends at once."""
import atexit
import os
import socket
import sys

server = socket.create_server(("127.0.0.1", 0))
client = socket.create_connection(server.getsockname())  # connected in <module>
client.setblocking("blocking" in sys.argv)


def goodbye():
    client.sendall(b"QUIT\r\n")


if "uses" not in sys.argv:
    atexit.register(goodbye)
if os.fork() == 0:
    if "uses" in sys.argv:
        goodbye()
    os._exit(0) if "_exit" in sys.argv else sys.exit(0)
os.wait()
