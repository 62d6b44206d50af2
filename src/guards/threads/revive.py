"""What forkguard runs inside the interpreter: where threads stand at a fork, and how a lost one is started again.

Nothing is imported that the program has not imported itself, and no exception leaves.
"""
import os
import sys
import threading
from types import BuiltinFunctionType

# Whose child processes make their own threads.
PROCESSES = ("multiprocessing", "multiprocess", "billiard")

# Functions of the standard library that wait for work: the local variables that hold a queue between threads (as proof), and the work.
CONSUMERS = {
    ("queue", "get"): ("self", "self"),
    ("concurrent.futures.thread", "_worker"): ("work_queue", "work_queue"),
    ("multiprocessing.pool", "worker"): ("inqueue", "inqueue"),
    ("multiprocessing.pool", "_handle_tasks"): ("outqueue", "taskqueue"),
    ("multiprocessing.pool", "_handle_results"): ("outqueue", "outqueue"),
    ("multiprocessing.pool", "_handle_workers"): ("inqueue", None),
}

CONDITION_WAIT = threading.Condition.wait.__code__
# Of the forks under way, by the forking thread: the stands of the others.
forking = {}
# Of the threads that this process lost, by their idents.
lost = {}


class Stand:
    """Where a thread stood at the fork."""

    def __init__(self, thread, frame):
        self.thread = thread
        self.condition = self.waiter = self.queue = self.executor = self.pipe = None
        self.consumes = False
        if frame.f_code is CONDITION_WAIT:
            self.condition, self.waiter = frame.f_locals["self"], frame.f_locals.get("waiter")
        caller = frame
        while caller is not None and module(caller) == "threading":
            caller = caller.f_back
        self.look(frame, caller)

    def look(self, innermost, frame):
        first = frame
        while frame is not None and not self.consumes:
            place = module(frame), frame.f_code.co_name
            # Whoever runs a task of a pool goes back to waiting for the next; who does something else beneath a queue's `get` does not wait.
            waits = frame is first and self.condition is not None
            if place in CONSUMERS and (waits or place != ("queue", "get")):
                self.take(place, frame, frame is innermost)
            frame = frame.f_back

    def take(self, place, frame, waits):
        proof, work = CONSUMERS[place]
        self.consumes = is_of_threads(frame.f_locals.get(proof))
        self.queue = frame.f_locals.get(work) if work else None
        # Newer executors count a worker as idle before it waits: started again it would count twice.
        if waits and place[1] == "_worker" and "get_nowait" in frame.f_code.co_names:
            self.executor = frame.f_locals.get("executor_reference")
        if place[1] == "_handle_workers":
            self.pipe = [frame.f_locals[name] for name in ("change_notifier", "sentinels", "ctx")]

    def is_locked(self):
        """True when the lock of its condition was held: by whom is unknown."""
        locked = getattr(self.condition._lock, "locked", None) if self.condition is not None else None
        return locked is not None and locked()

    def leave(self, alone):
        """It waits no more: who is notified must be there. Right after the fork nobody is."""
        if self.condition is not None and alone:
            self.condition._waiters.clear()
        elif self.waiter is not None and self.waiter in self.condition._waiters:
            self.condition._waiters.remove(self.waiter)

    def empty(self):
        """What is in the queue at the fork is the leader's, whose threads will do it."""
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

    def make_own(self):
        """What it counts in, or is told things by."""
        executor = self.executor() if self.executor is not None else None
        if executor is not None:
            executor._idle_semaphore.acquire(blocking=False)
        if self.pipe is not None:
            # A pipe that the leader's thread reads, too.
            notifier, sentinels, context = self.pipe
            shared = notifier._reader
            notifier.__init__(ctx=context)
            sentinels[:] = [notifier._reader if sentinel is shared else sentinel for sentinel in sentinels]

    def start(self):
        thread = self.thread
        self.make_own()
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
            # It is entered: by the lost one.
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


def module(frame):
    return frame.f_globals.get("__name__")


def is_of_threads(queue):
    known = sys.modules.get("queue")
    return known is not None and isinstance(queue, (known.Queue, known.SimpleQueue))


def makes_process(frame):
    """True when the fork is one of a library whose processes are no workers of a server."""
    while frame is not None:
        if str(module(frame)).partition(".")[0] in PROCESSES:
            return True
        frame = frame.f_back
    return False


def is_process():
    """True in a child process of such a library."""
    own = [getattr(sys.modules.get(name + ".process"), "_current_process", None) for name in PROCESSES]
    return any(getattr(process, "_parent_pid", None) is not None for process in own)


def stands():
    frames = sys._current_frames()
    frames.pop(threading.get_ident(), None)
    foreign = threading._MainThread, threading._DummyThread
    # Not enumerate(): it takes a lock.
    active = threading._active.copy()
    return {
        ident: Stand(active[ident], frame)
        for ident, frame in frames.items()
        if ident in active and not isinstance(active[ident], foreign)
    }


def before():
    """In the leader, right before a fork."""
    try:
        makes = makes_process(sys._getframe().f_back)
        forking[threading.get_ident()] = {} if makes else stands()
    except Exception:
        forking.pop(threading.get_ident(), None)


def in_parent():
    forking.pop(threading.get_ident(), None)


def in_child():
    stood = forking.pop(threading.get_ident(), {})
    forking.clear()
    for ident, stand in stood.items():
        try:
            # Looked at only now: until the fork somebody may have run.
            stand.locked = stand.is_locked()
            stand.leave(alone=True)
            stand.empty()
            lost[ident] = stand
        except Exception:
            pass


def adopt():
    """In a child of one thread whose server forks without a word to Python: what it lost stands there as at the fork."""
    for ident, stand in stands().items():
        stand.locked = stand.is_locked()
        # One that was notified is about to do the leader's work.
        if stand.waiter is not None and stand.waiter not in stand.condition._waiters:
            stand.consumes = False
        stand.leave(alone=False)
        if threading._active.get(ident) is stand.thread:
            del threading._active[ident]
        lost[ident] = stand


def is_plain():
    """False where threads are something else (gevent, eventlet), or end."""
    starters = [getattr(threading, name, None) for name in ("_start_new_thread", "_start_joinable_thread")]
    plain = all(starter is None or type(starter) is BuiltinFunctionType for starter in starters)
    return plain and not sys.is_finalizing() and not is_process()


def revive(ident, named):
    """Starts a lost thread again: True when it runs."""
    stand = lost.pop(ident, None)
    if stand is None or stand.locked or not (named or stand.consumes) or not is_plain():
        return False
    return stand.thread not in threading._active.values() and stand.start()


def end():
    """No more of them are started."""
    forking.clear()
    lost.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=before, after_in_parent=in_parent, after_in_child=in_child)
