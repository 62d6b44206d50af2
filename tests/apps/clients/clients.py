"""CLIENT [URL]: asks its server over one connection: the leader, two children one after the other, each twice, and the leader again.

An answer is a number and the session that it was given in. Children end as a program ends, with all destructors."""

import os
import sys

CLIENT, URL = sys.argv[1:]


class Reconnecting:
    """An application's own connection, made anew after an error."""

    def __init__(self, connect, query):
        self.connect, self.query = connect, query
        self.connection = connect()

    def __call__(self, number):
        try:
            return self.query(self.connection, number)
        except Exception:
            self.connection = self.connect()
            raise


def select(connection, number):
    cursor = connection.cursor()
    cursor.execute("select %s::int, pg_backend_pid()", (number,))
    return cursor.fetchone()


def psycopg2():
    import psycopg2

    return Reconnecting(lambda: psycopg2.connect(URL), select)


def psycopg():
    import psycopg

    return Reconnecting(lambda: psycopg.connect(URL), select)


def sqlalchemy(**options):
    from sqlalchemy import create_engine, text

    engine = create_engine(URL, **options)

    def ask(number):
        with engine.connect() as connection:
            return tuple(connection.execute(text("select cast(:number as int), pg_backend_pid()"), {"number": number}).one())

    return ask


def sqlalchemy_pre_ping():
    return sqlalchemy(pool_pre_ping=True)


def redis_pool(**options):
    import redis

    client = redis.Redis.from_url(URL, **options)
    return lambda number: (int(client.echo(str(number))), client.client_id())


def redis_single():
    return redis_pool(single_connection_client=True)


def requests():
    import requests

    session = requests.Session()
    session.trust_env = False
    session.verify = os.environ.get("CERTIFICATE", True)
    return lambda number: tuple(map(int, session.get(f"{URL}{number}").text.split()))


def attempt(number):
    try:
        answer, session = ask(number)
    except Exception as error:
        return type(error).__name__
    return f"{answer} in {'the same' if session == first else 'another'} session"


ask = globals()[CLIENT]()
_, first = ask(1)
for child in range(2):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        for number in (2, 3):
            print("child:", attempt(number))
        sys.exit()
    _, status = os.waitpid(pid, 0)
    assert status == 0, status
print("leader:", attempt(4))
