"""Gives each request to an executor."""

from concurrent.futures import ThreadPoolExecutor

from when import made, serving


@made
def start():
    """The executor's only thread starts with the first call."""
    global executor
    executor = ThreadPoolExecutor(1)
    executor.submit(int).result()  # started


@serving
def app():
    executor.submit(int).result()  # waits
