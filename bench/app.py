"""The WSGI application under `scripts/bench gunicorn`: as little as possible, so that the server's own cost shows."""

BODY = b"hello\n"


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))])
    return [BODY]
