"""Jobs of RQ: a process each."""

import os
import sys

import redis
from rq import Queue, Worker


def square(number):
    """Something to compute."""
    return number * number


if __name__ == "__main__":
    connection = redis.Redis.from_url(os.environ["REDIS"])
    queue = Queue(connection=connection)
    import rq_jobs

    jobs = [queue.enqueue(rq_jobs.square, number) for number in range(6)]
    Worker([queue], connection=connection).work(burst=True, with_scheduler="scheduler" in sys.argv)
    answers = [job.return_value() for job in jobs]
    assert answers == [number * number for number in range(6)], answers
