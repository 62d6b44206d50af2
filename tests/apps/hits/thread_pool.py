"""Gives each request to a pool of threads."""

from multiprocessing.pool import ThreadPool

from when import made, serving


@made
def start():
    global pool
    pool = ThreadPool(1)  # started


@serving
def app():
    pool.apply(int)  # waits
