"""uWSGI forks past Python's fork hooks (but for ``py-call-osafterfork``); in a worker it calls ``uwsgi.post_fork_hook``.

There is one such hook, and who sets it, as uwsgidecorators does, does not ask who was there before. So the module that owns
it is given a class of its own: our function stays in the place where uWSGI looks, and calls what others put there.
"""

# What others set, in order: each may call the one that it found there.
_others = []
_depth = 0


def install(run):
    """Has ``run`` called in each of uWSGI's children, before what else is hooked there."""
    import uwsgi

    def hook():
        global _depth
        run()
        # The hook that was set last is called; when it calls the one that it found, that was us: the one before it is meant.
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
