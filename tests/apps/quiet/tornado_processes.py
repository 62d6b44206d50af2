"""Tornado's own way to fork: sockets first, then processes, then an event loop in each."""

import asyncio
import os

import tornado.httpserver
import tornado.netutil
import tornado.process
import tornado.web


class Index(tornado.web.RequestHandler):
    """Names the worker that answers."""

    def get(self):
        self.write("worker %d\n" % os.getpid())


async def serve(sockets):
    """One process."""
    server = tornado.httpserver.HTTPServer(tornado.web.Application([("/", Index)]))
    server.add_sockets(sockets)
    await asyncio.Event().wait()


sockets = tornado.netutil.bind_sockets(int(os.environ["PORT"]), "127.0.0.1")
tornado.process.fork_processes(2, max_restarts=0)
asyncio.run(serve(sockets))
