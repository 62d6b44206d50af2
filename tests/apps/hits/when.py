"""When an application of this directory makes what it needs: at import, which is before the fork; or in each worker, by the hook that
LATE names."""

import os

waiting = []


def made(make):
    """Calls `make` now, or in every worker."""
    hook = os.environ.get("LATE")
    if hook is None:
        make()
    elif hook == "postfork":
        import uwsgi

        uwsgi.post_fork_hook = make
    else:
        waiting.append((hook, make))
    return make


def worker(hook):
    """Called by the server in a worker."""
    for wanted, make in waiting:
        if wanted == hook:
            make()


def serving(use):
    """A WSGI application that uses what was made and names the worker that answers."""

    def app(environ, start_response):
        use()
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"worker %d\n" % os.getpid()]

    return app
