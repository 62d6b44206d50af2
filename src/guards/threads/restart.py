"""Runs inside the interpreter: finds out what threads do at a fork, and starts a lost one again.

It imports nothing that the program has not imported itself, and raises no exception.
"""
import os
import sys
import threading
from types import BuiltinFunctionType

# Libraries whose child processes make their own threads.
PROCESSES = ("multiprocessing", "multiprocess", "billiard")

# Functions of the standard library that wait for work: the local variables that hold a queue between threads (as proof), and the queue of work.
CONSUMERS = {
    ("queue", "get"): ("self", "self"),
    ("concurrent.futures.thread", "_worker"): ("work_queue", "work_queue"),
    ("multiprocessing.pool", "worker"): ("inqueue", "inqueue"),
    ("multiprocessing.pool", "_handle_tasks"): ("outqueue", "taskqueue"),
    ("multiprocessing.pool", "_handle_results"): ("outqueue", "outqueue"),
    ("multiprocessing.pool", "_handle_workers"): ("inqueue", None),
}

# What cannot begin anew: a module that is being imported belongs to the thread that began, an event loop says that it runs already, and a scheduler of
# APScheduler's waits until who starts it has woken it.
BEGUN = {
    ("importlib._bootstrap", "_find_and_load"),
    ("_frozen_importlib", "_find_and_load"),
    ("asyncio.base_events", "run_forever"),
    ("apscheduler.schedulers.blocking", "_main_loop"),
}

CONDITION_WAIT = threading.Condition.wait.__code__
# The other threads at each fork that is under way, by the forking thread.
forking = {}
# The threads that this process lost, by their idents.
lost = {}


class ThreadAtFork:
    """A thread, and what it was waiting for at the fork."""

    def __init__(self, thread, frame):
        self.thread = thread
        self.condition = self.waiter = self.queue = self.executor = self.pipe = None
        self.consumes = False
        self.has_begun = any((module(each), each.f_code.co_name) in BEGUN for each in callers(frame))
        if frame.f_code is CONDITION_WAIT:
            self.condition, self.waiter = frame.f_locals["self"], frame.f_locals.get("waiter")
        caller = frame
        while caller is not None and module(caller) == "threading":
            caller = caller.f_back
        self.find_queue(frame, caller)

    def find_queue(self, innermost, frame):
        first = frame
        while frame is not None and not self.consumes:
            function = module(frame), frame.f_code.co_name
            # A thread that runs a task of a pool will wait for the next one; a thread that runs other code beneath a queue's `get` does not wait.
            waits = frame is first and self.condition is not None
            if function in CONSUMERS and (waits or function != ("queue", "get")):
                self.take_queue(function, frame, frame is innermost)
            frame = frame.f_back

    def take_queue(self, function, frame, waits):
        proof, work = CONSUMERS[function]
        self.consumes = is_of_threads(frame.f_locals.get(proof))
        self.queue = frame.f_locals.get(work) if work else None
        # Newer executors count a worker as idle before it waits: started again it would count twice.
        if waits and function[1] == "_worker" and "get_nowait" in frame.f_code.co_names:
            self.executor = frame.f_locals.get("executor_reference")
        if function[1] == "_handle_workers":
            self.pipe = [frame.f_locals[name] for name in ("change_notifier", "sentinels", "ctx")]

    def is_locked(self):
        """True when the lock of its condition was held; its holder is unknown."""
        locked = getattr(self.condition._lock, "locked", None) if self.condition is not None else None
        return locked is not None and locked()

    def stop_waiting(self, alone):
        """A lost thread must not be notified in place of a living one. Right after the fork no thread waits (`alone`)."""
        if self.condition is not None and alone:
            self.condition._waiters.clear()
        elif self.waiter is not None and self.waiter in self.condition._waiters:
            self.condition._waiters.remove(self.waiter)

    def empty_queue(self):
        """The tasks in the queue at the fork are the leader's, whose threads will run them."""
        if not self.consumes or self.queue is None:
            return
        mutex = getattr(self.queue, "mutex", None)
        if mutex is None:
            for _ in range(self.queue.qsize()):
                self.queue.get_nowait()
        elif mutex.acquire(blocking=False):
            try:
                while self.queue._qsize():
                    self.queue._get()
                    self.queue.unfinished_tasks -= 1
            finally:
                mutex.release()

    def unshare(self):
        """Corrects the executor's count of idle workers, and replaces the pipe that the leader's thread reads, too."""
        executor = self.executor() if self.executor is not None else None
        if executor is not None:
            executor._idle_semaphore.acquire(blocking=False)
        if self.pipe is not None:
            notifier, sentinels, context = self.pipe
            shared = notifier._reader
            notifier.__init__(ctx=context)
            sentinels[:] = [notifier._reader if sentinel is shared else sentinel for sentinel in sentinels]

    def start(self):
        thread = self.thread
        self.unshare()
        as_lost = dict(thread.__dict__)
        thread._started = threading.Event()
        thread._ident = None
        if hasattr(thread, "_handle"):
            thread._handle = type(thread._handle)()
        else:
            shutdown = getattr(threading, "_shutdown_locks", None)
            if shutdown is not None:
                shutdown.discard(thread._tstate_lock)
            thread._tstate_lock = None
            thread._is_stopped = False
        if getattr(thread, "_context", None) is not None:
            # The lost thread has entered it.
            thread._context = thread._context.copy()
        # The worker's end must not wait for a thread that the worker's own code did not start.
        thread._daemonic = True
        try:
            threading.Thread.start(thread)
        except RuntimeError:
            thread.__dict__.update(as_lost)
            return False
        thread._daemonic = as_lost["_daemonic"]
        return True


def callers(frame):
    """A frame and all that it was called by."""
    while frame is not None:
        yield frame
        frame = frame.f_back


def module(frame):
    return frame.f_globals.get("__name__")


def is_of_threads(queue):
    known = sys.modules.get("queue")
    return known is not None and isinstance(queue, (known.Queue, known.SimpleQueue))


def makes_process(frame):
    """True when the fork is made by a library whose processes are no workers of a server."""
    return any(str(module(each)).partition(".")[0] in PROCESSES for each in callers(frame))


def is_process():
    """True in a child process of such a library."""
    own = [getattr(sys.modules.get(name + ".process"), "_current_process", None) for name in PROCESSES]
    return any(getattr(process, "_parent_pid", None) is not None for process in own)


def other_threads():
    frames = sys._current_frames()
    frames.pop(threading.get_ident(), None)
    foreign = threading._MainThread, threading._DummyThread
    # Not enumerate(): it takes a lock.
    active = threading._active.copy()
    return {
        ident: ThreadAtFork(active[ident], frame)
        for ident, frame in frames.items()
        if ident in active and not isinstance(active[ident], foreign)
    }


def before():
    """In the leader, right before a fork."""
    try:
        makes = makes_process(sys._getframe().f_back)
        forking[threading.get_ident()] = {} if makes else other_threads()
    except Exception:
        forking.pop(threading.get_ident(), None)


def in_parent():
    forking.pop(threading.get_ident(), None)


def in_child():
    others = forking.pop(threading.get_ident(), {})
    forking.clear()
    for ident, thread in others.items():
        try:
            # Only now: the other threads may have run until the fork.
            thread.locked = thread.is_locked()
            thread.stop_waiting(alone=True)
            thread.empty_queue()
            lost[ident] = thread
        except Exception:
            pass


def adopt_lost_threads():
    """In a child with one thread whose server forks past Python: the interpreter has the lost threads as they were at the fork."""
    for ident, thread in other_threads().items():
        thread.locked = thread.is_locked()
        # A thread that was notified is about to do the leader's work.
        if thread.waiter is not None and thread.waiter not in thread.condition._waiters:
            thread.consumes = False
        thread.stop_waiting(alone=False)
        if threading._active.get(ident) is thread.thread:
            del threading._active[ident]
        lost[ident] = thread


def is_plain():
    """False where threads are not the kernel's (gevent, eventlet), or the interpreter ends."""
    starters = [getattr(threading, name, None) for name in ("_start_new_thread", "_start_joinable_thread")]
    plain = all(starter is None or type(starter) is BuiltinFunctionType for starter in starters)
    return plain and not sys.is_finalizing() and not is_process()


def restart(ident, named):
    """Starts a lost thread again: True when it runs."""
    thread = lost.pop(ident, None)
    if thread is None or thread.locked or thread.has_begun or not (named or thread.consumes) or not is_plain():
        return False
    return thread.thread not in threading._active.values() and thread.start()


def forget_lost_threads():
    """After the last restart."""
    forking.clear()
    lost.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=before, after_in_parent=in_parent, after_in_child=in_child)
