"""A manager's process, a segment of shared memory, and children with locks, queues, pipes and events."""

import multiprocessing
from multiprocessing import shared_memory


def work(lock, queue, names, stop, memory):
    """What children do with all of them."""
    with lock:
        names.append(multiprocessing.current_process().name)
    segment = shared_memory.SharedMemory(memory)
    with lock:
        segment.buf[0] += 1
    segment.close()
    queue.put("ready")
    stop.wait()


if __name__ == "__main__":
    context = multiprocessing.get_context("fork")
    segment = shared_memory.SharedMemory(create=True, size=64)
    with context.Manager() as manager:
        lock, queue, stop, names = context.Lock(), context.Queue(), context.Event(), manager.list()
        arguments = (lock, queue, names, stop, segment.name)
        children = [context.Process(target=work, args=arguments) for _ in range(3)]
        for child in children:
            child.start()
        for _ in children:
            queue.get()
        stop.set()
        for child in children:
            child.join()
        assert len(names) == 3 and segment.buf[0] == 3 and not any(child.exitcode for child in children)
    segment.close()
    segment.unlink()
