"""An HTTP server on loopback that keeps connections: PORT [CERTIFICATE KEY]. Its answer is the number in the path and the client's port."""

import ssl
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        answer = f"{self.path[1:]} {self.client_address[1]}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)


port, *identity = sys.argv[1:]
server = ThreadingHTTPServer(("127.0.0.1", int(port)), Handler)
if identity:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*identity)
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
