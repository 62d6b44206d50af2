"""A page that connects and forks, on lines that the test knows by their comments. Its answer: the worker."""

import os
import socket


def connect(address):
    host, port = address.split(":")
    return socket.create_connection((host, int(port)))  # connected in connect


def start():
    child = os.fork()  # fork in start
    if child == 0:
        os._exit(0)
    return os.waitpid(child, 0)[1]


def application(environ, start_response):
    connection = connect(environ["UPSTREAM"])
    status = start()
    connection.close()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{os.getpid()} {status}".encode()]
