# Loaded before the program: the leader does not collect, and its workers leave alone what they have from it (as the documentation of gc.freeze advises).
import gc
import os
import sys


def begin():
    gc.freeze()
    gc.enable()


gc.disable()
os.register_at_fork(after_in_child=begin)

# The one that this one hides.
sys.path.remove(os.path.dirname(__file__))
del sys.modules["sitecustomize"]
try:
    import sitecustomize
except ModuleNotFoundError:
    pass
