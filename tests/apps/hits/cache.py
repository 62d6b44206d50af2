"""Asks redis in each request, over the one connection of its client or (POOL) over its pool, which notices that it is in a fork."""

import os

import redis

from when import made, serving


@made
def connect():
    global client
    client = redis.Redis.from_url(os.environ["BROKER"], single_connection_client="POOL" not in os.environ)  # opened
    client.ping()


@serving
def app():
    client.ping()  # used
