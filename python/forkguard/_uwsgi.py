"""uWSGI forks past Python's fork hooks (but for ``py-call-osafterfork``); in a worker it calls ``uwsgi.post_fork_hook``.

There is one such hook, and code that sets it (uwsgidecorators) replaces the one before. So the ``uwsgi`` module is given a
class of its own: our function remains the hook that uWSGI calls, and it calls the hooks that others set.
"""

# The hooks that others set, in order: each may call the one that it found.
_others = []
_depth = 0


def install(run):
    """Has ``run`` called in each of uWSGI's children, before the other hooks."""
    import uwsgi

    def hook():
        global _depth
        run()
        # Calls the hook that was set last. That one calls us where it means the hook before it: then that one is called.
        _depth += 1
        try:
            if _depth <= len(_others):
                _others[-_depth]()
        finally:
            _depth -= 1

    class Module(type(uwsgi)):
        def __setattr__(self, name, value):
            if name == "post_fork_hook" and value is not hook:
                _others.append(value)
            else:
                super().__setattr__(name, value)

    if hasattr(uwsgi, "post_fork_hook"):
        _others.append(uwsgi.post_fork_hook)
    uwsgi.post_fork_hook = hook
    uwsgi.__class__ = Module
