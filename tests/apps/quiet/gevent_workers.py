"""gevent workers of a preloaded application whose greenlets talk to redis; the pool is made at import, unused."""

from gevent import monkey

monkey.patch_all()

import os  # noqa: E402

import gevent  # noqa: E402
import redis  # noqa: E402

worker_class = "gevent"
client = redis.Redis.from_url(os.environ["REDIS"])


def app(environ, start_response):
    """Three greenlets a request."""
    gevent.joinall([gevent.spawn(client.incr, "asked") for _ in range(3)])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"worker %d\n" % os.getpid()]
