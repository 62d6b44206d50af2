"""Threads that each make a pool of processes and wait for its answers."""

import multiprocessing
import threading
from concurrent.futures import ProcessPoolExecutor


def square(number):
    """Something to compute."""
    return number * number


def compute(answers):
    """One pool."""
    with ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        answers.extend(pool.map(square, range(20)))


if __name__ == "__main__":
    answers = [[] for _ in range(2)]
    threads = [threading.Thread(target=compute, args=(answer,)) for answer in answers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(answer == [number * number for number in range(20)] for answer in answers)
