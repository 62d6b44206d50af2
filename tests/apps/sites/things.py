"""Makes one of each thing in many ways, forks once, and tells where it did so."""

import os
import select
import signal
import socket
import threading
from contextlib import contextmanager

from known import stack, tell

listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen()
descriptors, threads, signals = {}, {}, {}


def kept(stack, *made):
    """Remembers where descriptors were made."""
    descriptors.update((one if isinstance(one, int) else one.fileno(), (stack, one)) for one in made)


def connecting():
    """A generator that connects without the GIL."""
    while True:
        client = socket.socket()
        known = stack(); client.connect(listener.getsockname())  # noqa: E702
        kept(known, client)
        yield


def recursive(depth):
    if depth:
        return recursive(depth - 1)
    kept(stack(), *socket.socketpair())


class Maker:
    def method(self, name):
        def closure():
            return [(stack(), open(name, "w")) for _ in range(1)]

        return closure

    def __lt__(self, other):
        kept(stack(), select.epoll())
        return True


@contextmanager
def managed():
    kept(stack(), *os.pipe())
    yield


def handle(number, frame):
    """A signal's handler, which makes something itself."""
    kept(stack(), *socket.socketpair())


next(connecting())
(lambda: next(connecting()))()
recursive(30)
sorted([Maker(), Maker()])
kept(*Maker().method("plain")()[0])
with managed():
    pass
# Names beyond ASCII: one, two and four bytes a character.
for name in ["Gerät", "模块", "😀"]:
    source = "def määkt():\n    (lambda:\n      kept(stack(), *socket.socketpair()))()\n\n\nmääkt()"
    exec(compile(source, f"/srv/{name}.py", "exec"), globals())
# A table of lines with steps too long for one entry.
far = "def far():\n    0\n" + "\n" * 700 + "    known = stack(); kept(known, *socket.socketpair())\n" + "\n" * 300 + "\nfar()"
exec(compile(far, "far.py", "exec"))

signals[signal.SIGUSR1] = [stack(), "handle"]; signal.signal(signal.SIGUSR1, handle)  # noqa: E702
os.kill(os.getpid(), signal.SIGUSR1)


def set_again():
    signal.signal(signal.SIGUSR2, Maker().__lt__)


signal.signal(signal.SIGUSR2, handle)
set_again()
timer = stack(); signal.setitimer(signal.ITIMER_VIRTUAL, 1000)  # noqa: E702

standing = threading.Semaphore(0)
forever = threading.Lock()
forever.acquire()


def stand(name):
    """Where every thread ends up."""
    threads[name]["stood"] = stack(); standing.release(); forever.acquire()  # noqa: E702


class Beat(threading.Thread):
    def run(self):
        list(map(stand, [self.name]))


def generate(name):
    yield stand(name)


def start(thread, name):
    threads[name] = {"class": type(thread).__name__, "started": stack()}; thread.start()  # noqa: E702


start(Beat(name="Herzschlag-mit-langem-Namen-ü", daemon=True), "Herzschlag-mit-langem-Namen-ü")
start(threading.Thread(target=lambda: list(generate("generator")), name="generator", daemon=True), "generator")
start(threading.Thread(target=stand, name="plain", args=["plain"], daemon=True), "plain")
for _ in threads:
    standing.acquire()


def fork():
    known = stack(); pid = os.fork()  # noqa: E702
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return known


tell(
    fork=fork(),
    descriptors={number: known for number, (known, _) in descriptors.items()},
    threads=threads,
    signals=signals,
    timer=timer,
)
os._exit(0)
