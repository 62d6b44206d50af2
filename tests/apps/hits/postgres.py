"""Asks PostgreSQL in each request."""

import os

import psycopg2

from when import made, serving


@made
def connect():
    global connection
    connection = psycopg2.connect(os.environ["DATABASE_URL"])  # opened


@serving
def app():
    connection.cursor().execute("select 1")  # used


# What uWSGI calls it.
application = app
