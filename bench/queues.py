"""queues.py ITEMS: processor nanoseconds an item that passes through a queue.Queue and under a threading.Lock."""
import os
import queue
import sys
import threading
import time

ITEMS = int(sys.argv[1])
CONSUMERS = 4


def consume(items, lock, total):
    while (item := items.get()) is not None:
        with lock:
            total[0] += item


def main():
    # The interpreter runs one thread at a time anyway; on one processor its hand-over is the same in every run.
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    items, lock, total = queue.Queue(100), threading.Lock(), [0]
    threads = [threading.Thread(target=consume, args=(items, lock, total)) for _ in range(CONSUMERS)]
    start = time.process_time_ns()
    for thread in threads:
        thread.start()
    for item in range(ITEMS):
        items.put(item)
    for _ in threads:
        items.put(None)
    for thread in threads:
        thread.join()
    assert total[0] == ITEMS * (ITEMS - 1) // 2
    print((time.process_time_ns() - start) / ITEMS)


main()
