"""Starlette on uvicorn's workers under gunicorn: each worker makes its event loop after the fork."""

import asyncio
import os

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

worker_class = "uvicorn_worker.UvicornWorker"


async def index(request):
    """Asks the loop's own executor."""
    pid = await asyncio.get_running_loop().run_in_executor(None, os.getpid)
    return PlainTextResponse("worker %d\n" % pid)


app = Starlette(routes=[Route("/", index)])
