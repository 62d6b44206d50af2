"""Threads that are lost and that no option starts again: a scheduler of APScheduler's, which waits to be woken by who starts it; one that reads by a socket's
file; and all of a process that billiard makes."""

import os
import socket
import sys
import threading

from apscheduler.schedulers.background import BackgroundScheduler


def stands_in(thread, function):
    def stood():
        frame = sys._current_frames().get(thread.ident)
        while frame is not None and frame.f_code.co_name != function:
            frame = frame.f_back
        return frame is not None

    while not stood():
        pass


def start_scheduler():
    scheduler = BackgroundScheduler()
    scheduler.add_job(print, "interval", hours=1)
    scheduler.start()
    stands_in(scheduler._thread, "_main_loop")


def start_reader():
    own, other = socket.socketpair()
    reader = threading.Thread(target=own.makefile("rb").readline, name="reader", daemon=True)
    reader.start()
    stands_in(reader, "readinto")
    return other


start_scheduler()
kept = start_reader()
child = os.fork()
if child == 0:
    threading.Event().wait(0.5)
    os._exit(0)
os.waitpid(child, 0)

from billiard import get_context

process = get_context("fork").Process(target=threading.Event().wait, args=(0.5,))
process.start()
process.join()
os._exit(0)
