# What the leader's finalizers do in a child that ends in order.
import os, sys, tempfile, weakref

leader = os.getpid()
directory = tempfile.TemporaryDirectory()  # created in <module>
os.mknod(os.path.join(directory.name, "file"))


class Server:
    pass


def stop():  # removed in stop
    if os.getpid() == leader:
        return


server = Server()
weakref.finalize(server, stop)
child = os.fork()
if child == 0:
    with tempfile.TemporaryDirectory():
        pass
    if "removes" not in sys.argv:
        os._exit(0)
    sys.exit(0)
os.waitpid(child, 0)
assert os.path.exists(directory.name) == ("removes" not in sys.argv)
