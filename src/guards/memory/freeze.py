# Runs in the main interpreter of a leader, before it forks: see freeze.rs.
import gc
import sys

# CPython 3.12 begins with some.
own = gc.get_freeze_count()
froze = False


def freeze():
    """How many objects are frozen now; 0: the program has frozen its own; -1: what is forked will execute another program."""
    global froze
    caller = sys._getframe(0).f_back
    if caller and caller.f_code.co_name == "_spawnvef" and caller.f_globals.get("__name__") == "os":
        return -1
    if gc.get_freeze_count() > own and not froze:
        return 0
    # A program that has switched the collector off does not want it to run.
    if gc.isenabled():
        gc.collect()
    gc.freeze()
    froze = True
    return gc.get_freeze_count()
