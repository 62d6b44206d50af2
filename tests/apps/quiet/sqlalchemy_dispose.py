"""An engine of SQLAlchemy that is used at import and discarded in post_fork, as its manual shows."""

import os

from sqlalchemy import create_engine, text

engine = create_engine("postgresql+psycopg2://demo@" + os.environ["DATABASE"] + "/postgres")
with engine.connect() as connection:
    connection.execute(text("select 1"))


def post_fork(server, worker):
    """Forgets the leader's connections without closing them."""
    engine.dispose(close=False)


def app(environ, start_response):
    """One query a request."""
    with engine.connect() as connection:
        pid = connection.execute(text("select %d" % os.getpid())).scalar()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"worker %d\n" % pid]
