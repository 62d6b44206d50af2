"""A daemon that closes all descriptors: its log, opened before, does not know. What it opens next has the log's number."""
import logging
import os
import sys
import tempfile

how = sys.argv[1]
os.chdir(tempfile.mkdtemp())
handler = logging.FileHandler("app.log")  # opened in <module>
log = logging.getLogger("app")
log.addHandler(handler)
log.warning("starts")


def work():
    log.warning("works")  # logs in work


def daemon():
    number = handler.stream.fileno()
    if how == "closes it":
        handler.close()
    if how == "keeps it":
        os.closerange(3, number), os.closerange(number + 1, 4096)
    else:
        os.closerange(3, 4096)
    if how == "opens anew":
        log.removeHandler(handler)
        log.addHandler(logging.FileHandler("app.log"))
    with open("app.pid", "w") as pid:
        pid.write("1\n")
        pid.flush()
        pid.write("2\n")
        pid.flush()
        if how != "writes nothing":
            work()


logging.raiseExceptions = False
if os.fork() == 0:
    daemon()
    os._exit(0)
os.wait()
print(open("app.pid").read().count("works"), open("app.log").read().count("works"))
