"""A pool whose workers log through a queue to a thread of the leader, as the logging cookbook shows."""

import logging
import logging.handlers
import multiprocessing


def start_worker(records):
    """Every worker sends its records to the leader."""
    root = logging.getLogger()
    root.handlers[:] = [logging.handlers.QueueHandler(records)]
    root.setLevel(logging.INFO)


def square(number):
    """Something to compute."""
    logging.info("squares %d", number)
    return number * number


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    records = context.Queue()
    listener = logging.handlers.QueueListener(records, logging.FileHandler("squares.log"))
    listener.start()
    with context.Pool(2, start_worker, (records,), maxtasksperchild=5) as pool:
        assert pool.map(square, range(50), chunksize=1) == [number * number for number in range(50)]
        pool.close()
        pool.join()
    listener.stop()
