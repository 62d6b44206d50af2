"""Asks redis in each request, over the one connection of its client."""

import os

import redis

from when import made, serving


@made
def connect():
    global client
    client = redis.Redis.from_url(os.environ["BROKER"], single_connection_client=True)  # opened


@serving
def app():
    client.ping()  # used
