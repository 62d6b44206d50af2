"""Threads serve in the leader while multiprocessing runs functions in processes of their own."""
import logging
import multiprocessing
import threading

served = threading.Event()
stop = threading.Event()


def serve():
    while not stop.wait(0.01):
        served.set()


def work(number):
    logging.getLogger("work").info("%d", number)
    # A process that lives for a while settles.
    threading.Event().wait(1.5)


threads = [threading.Thread(target=serve, name=f"serve-{number}") for number in range(2)]
for thread in threads:
    thread.start()
served.wait()
context = multiprocessing.get_context("fork")
processes = [context.Process(target=work, args=(number,)) for number in range(2)]
for process in processes:
    process.start()
for process in processes:
    process.join()
    assert process.exitcode == 0
stop.set()
for thread in threads:
    thread.join()
