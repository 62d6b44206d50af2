# A fork while a module is there that would be loaded as soon as somebody asked it for something.
import os
import sys


class Lazy(type(sys)):
    def __getattribute__(self, name):
        print("asked for", name)
        return super().__getattribute__(name)


sys.modules["weakref"] = Lazy("weakref")
child = os.fork()
if child == 0:
    os._exit(0)
os.waitpid(child, 0)
print("ended", flush=True)
os._exit(0)
