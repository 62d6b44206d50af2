"""Runs each request in an event loop."""

import asyncio

from when import made, serving


@made
def start():
    global loop
    loop = asyncio.new_event_loop()  # opened
    loop.run_until_complete(asyncio.sleep(0))


@serving
def app():
    loop.run_until_complete(asyncio.sleep(0.001))  # used
