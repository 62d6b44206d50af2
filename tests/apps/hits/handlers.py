"""Signals as an application's operators know them: USR2 to dump its state, HUP to read its prices again."""

import signal

from when import made, serving


def dump(number, frame):
    print("dumped", flush=True)


@made
def handle():
    signal.signal(signal.SIGUSR1, dump)
    signal.signal(signal.SIGUSR2, dump)  # set


@serving
def app():
    pass
