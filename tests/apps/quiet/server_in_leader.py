"""A page of the leader's own (metrics, health), as prometheus_client's documentation has it: served by a thread that gunicorn's leader starts, and
by one more for each connection; one of those is under way at the forks."""

import os
import socket
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

under_way = Event()


class Page(BaseHTTPRequestHandler):
    def setup(self):
        super().setup()
        under_way.set()

    def do_GET(self):
        self.send_response(200)
        self.end_headers()


def when_ready(server):
    page = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    Thread(target=page.serve_forever, daemon=True).start()
    server.slow_client = socket.create_connection(page.server_address)
    under_way.wait()


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"worker %d\n" % os.getpid()]
