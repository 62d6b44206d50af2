"""forkguard's own share of a worker: what each of four waiting workers has for itself alone, with and without the library. own_share.py LIBRARY"""
import os
import subprocess
import sys
import tempfile
import time

WORKERS = 4


def alone(pid):
    """What a process shares with nobody, in kB (proc_pid_smaps(5))."""
    with open(f"/proc/{pid}/smaps_rollup") as sizes:
        return sum(int(line.split()[1]) for line in sizes if line.startswith("Private_"))


def lead():
    """Forks the workers, and prints what they take once that has stood still for a second."""
    reader, writer = os.pipe()
    workers = []
    for _ in range(WORKERS):
        worker = os.fork()
        if worker == 0:
            os.close(writer)
            os.read(reader, 1)
            os._exit(0)
        workers.append(worker)
    sizes, since = None, time.monotonic()
    while time.monotonic() < since + 1:
        now = [alone(worker) for worker in workers]
        if now != sizes:
            sizes, since = now, time.monotonic()
        time.sleep(0.1)
    print(f"{min(sizes)}–{max(sizes)}")
    os.close(writer)
    for worker in workers:
        os.waitpid(worker, 0)


def measure(**options):
    """The output of `lead` in a process with these variables."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FORKGUARD")} | options
    return subprocess.run([sys.executable, __file__], env=environment, check=True, capture_output=True, text=True).stdout.strip()


def main(library):
    print("| kB that a worker has for itself alone | |\n|---|---|")
    print(f"| without the library | {measure()} |")
    with tempfile.TemporaryDirectory() as directory:
        print(f"| with it, a report in a file | {measure(LD_PRELOAD=library, FORKGUARD_REPORT=directory)} |")
    print(f"| with it, `FORKGUARD_REPORT=none` | {measure(LD_PRELOAD=library, FORKGUARD_REPORT='none')} |")


if sys.argv[1:]:
    main(sys.argv[1])
else:
    lead()
