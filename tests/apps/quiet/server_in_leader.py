"""A page of the leader's own (metrics, health), as prometheus_client's documentation has it: served by a thread that gunicorn's leader starts."""

import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread


class Page(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()


def when_ready(server):
    Thread(target=HTTPServer(("127.0.0.1", 0), Page).serve_forever, daemon=True).start()


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"worker %d\n" % os.getpid()]
