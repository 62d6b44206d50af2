"""An application that ends well when it is told to: its handlers are meant for the process that imports it."""

import os
import signal


def stop(number, frame):
    print("the application's handler", flush=True)
    os._exit(3)


for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGALRM):
    signal.signal(number, stop)
