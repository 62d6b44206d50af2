"""A program that reads to its end what the leader writes to it, and a worker that was forked meanwhile: it has the pipe, too, and does not know it."""
import glob
import os
import subprocess
import sys
import time

how = sys.argv[1]
program = subprocess.Popen(["cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # opened in <module>


def is_reported():
    lines = [line for name in glob.glob(os.environ["FORKGUARD_REPORT"] + "/*") for line in open(name)]
    return any('"pipe-inherited"' in line and '"error"' in line for line in lines)


def work():
    """Without a word about the pipe, or with one: until that is reported, or should have been."""
    if "closes" in sys.argv:
        program.stdin.close()
    if "writes" in sys.argv:
        os.write(program.stdin.fileno(), b"from the worker\n")
    end = time.monotonic() + (3 if "writes" in sys.argv or "closes" in sys.argv else 60)
    while time.monotonic() < end and not is_reported():
        time.sleep(0.2)


def finish():
    if how == "communicates":
        return program.communicate(b"line\n")
    program.stdin.write(b"line\n")
    program.stdin.close()
    if how == "reads":
        return program.stdout.read()
    if how == "waits":
        return program.wait()
    while program.poll() is None:
        time.sleep(0.05)


worker = os.fork()
if worker == 0:
    work()
    os._exit(0)
finish()  # waits in <module>
program.wait()
os.waitpid(worker, 0)
print("ended", flush=True)
