"""redis-py's pool used at import: it notices the fork and reconnects by itself."""

import os

import redis

client = redis.Redis.from_url(os.environ["REDIS"])
client.set("imported", 1)


def app(environ, start_response):
    """One command a request."""
    client.incr("asked")
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"worker %d\n" % os.getpid()]
