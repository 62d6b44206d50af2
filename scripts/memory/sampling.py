"""What it costs a server to be watched by `forkguard cow`: gunicorn with app.py, the same requests with sampling and without, in turn, each on
workers that have copied nothing yet. sampling.py FORKGUARD GUNICORN [ROUNDS]"""
import json
import os
import resource
import signal
import socket
import statistics
import subprocess
import sys
import time

WORKERS = 2
REQUESTS = 5000
TICKS = os.sysconf("SC_CLK_TCK")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def processor_seconds(pid):
    """Of a process, from proc_pid_stat(5)."""
    with open(f"/proc/{pid}/stat") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children") as text:
        return [int(child) for child in text.read().split()]


def wait_for(condition):
    until = time.monotonic() + 120
    while not condition():
        if time.monotonic() > until:
            sys.exit("sampling.py: the server does not start")
        time.sleep(0.1)


def listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def measure(forkguard, gunicorn, frequency):
    """Processor seconds of the workers, of the tool and of both, and those of the clock, a request; and how many copies were seen."""
    port = free_port()
    command = [gunicorn, "--preload", "--log-level", "error", "--workers", str(WORKERS), "--bind", f"127.0.0.1:{port}", "app:app"]
    server = subprocess.Popen(command, cwd=os.path.dirname(os.path.abspath(__file__)))
    try:
        wait_for(lambda: listens(port) and len(children(server.pid)) == WORKERS)
        workers = children(server.pid)
        look = [forkguard, "cow", str(server.pid), "--url", f"http://127.0.0.1:{port}/", "--requests", str(REQUESTS), "--frequency", str(frequency)]
        before, own = sum(map(processor_seconds, workers)), resource.getrusage(resource.RUSAGE_CHILDREN)
        found = json.loads(subprocess.run([*look, "--format", "json"], check=True, capture_output=True).stdout)
        after, used = sum(map(processor_seconds, workers)), resource.getrusage(resource.RUSAGE_CHILDREN)
        tool = used.ru_utime + used.ru_stime - own.ru_utime - own.ru_stime
        figures = after - before, tool, after - before + tool, found["moments"][1]["seconds"]
        return *(figure / REQUESTS for figure in figures), found["samples"]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def main(forkguard, gunicorn, rounds=5):
    without, watched = [], []
    for _ in range(int(rounds)):
        without.append(measure(forkguard, gunicorn, 0))
        watched.append(measure(forkguard, gunicorn, 200))
    middle = lambda results, index: statistics.median(result[index] for result in results)
    print(f"| a request, median of {rounds} | not watched | watched | ratio |\n|---|---|---|---|")
    for index, name in enumerate(["processor time of the workers, ms", "of the tool, which also asks, ms", "of both, ms", "time, ms"]):
        plain, sampled = middle(without, index), middle(watched, index)
        print(f"| {name} | {plain * 1000:.2f} | {sampled * 1000:.2f} | {sampled / plain:.3f} |")
    print(f"\n{middle(watched, 4):.0f} copies were looked at")


main(*sys.argv[1:])
