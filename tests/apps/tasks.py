"""Tasks for a celery worker; run as a program, the client that calls them."""

import os
import sys
import time

from celery import Celery, group

app = Celery("tasks", broker=os.environ["BROKER"], backend=os.environ["BROKER"])
app.conf.broker_connection_retry_on_startup = True


@app.task
def square(number):
    """Something to compute."""
    return number * number


@app.task
def last(path):
    """Is still at work when the worker is told to stop: starts a file, goes on when its mate stands beside it."""
    with open(path, "w") as started:
        started.write(str(os.getpid()))
    while not os.path.exists(path + ".go"):
        time.sleep(0.01)
    return "done"


if __name__ == "__main__":
    print(group(square.s(number) for number in range(50))().get(timeout=60))
    unfinished = last.delay(sys.argv[1])
    print("started", flush=True)
    print(unfinished.get(timeout=60))
