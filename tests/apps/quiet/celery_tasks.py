"""Tasks of celery; run as a program, it calls them until a worker process has been recycled."""

import os

from celery import Celery, group

app = Celery("celery_tasks", broker=os.environ["REDIS"], backend=os.environ["REDIS"])
app.conf.broker_connection_retry_on_startup = True


@app.task
def square(number):
    """Something to compute."""
    return number * number


if __name__ == "__main__":
    assert group(square.s(number) for number in range(40))().get(timeout=60) == [number * number for number in range(40)]
