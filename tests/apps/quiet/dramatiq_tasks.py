"""Actors of dramatiq on redis; run as a program, it sends and awaits."""

import os

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

broker = RedisBroker(url=os.environ["REDIS"])
broker.add_middleware(Results(backend=RedisBackend(url=os.environ["REDIS"])))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True)
def square(number):
    """Something to compute."""
    return number * number


if __name__ == "__main__":
    asked = [square.send(number) for number in range(20)]
    assert [message.get_result(block=True, timeout=30_000) for message in asked] == [number * number for number in range(20)]
