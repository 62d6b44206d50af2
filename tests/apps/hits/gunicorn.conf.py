"""gunicorn's hooks, for what an application makes in each worker."""


def post_fork(server, worker):
    import when

    when.worker("post_fork")


def post_worker_init(worker):
    import when

    when.worker("post_worker_init")
