"""Fixups in Python: functions that run once in every forked child of a prefork server.

    import forkguard

    @forkguard.register
    def reconnect():
        pool.close()
        pool.open()

They run where libforkguard.so is preloaded and guards are on (``FORKGUARD=guard``, the default): in each child, before
any other code of the program, in the order of their registration. forkguard's report says how long each took, that it
raised, or that it never came back. Without the preload, and under ``FORKGUARD=observe`` or ``off``, nothing runs:
:func:`active` is false then, and without the preload :func:`register` logs a warning once.

Python code never runs inside ``fork()`` itself, but where the runtime calls it afterwards: by ``os.register_at_fork``, or,
under uWSGI, which forks past Python, by ``uwsgi.post_fork_hook``, before the other users of that hook.
"""

import os
import sys
from _thread import get_ident
from functools import partial

__version__ = "0.1.0"
__all__ = ["active", "keep", "mark_fork_safe", "register", "version"]

# The fixups: name, function, arguments.
_fixups = []
# The process whose fixups have run, or that registered the first one.
_process = os.getpid()
# The thread that runs fixups now.
_running = None
# The preloaded library's functions; None before the first lookup, False without the preload.
_library = None


def active():
    """True where registered fixups will run: the library is preloaded, and its guards are on."""
    library = _load()
    return bool(library) and library.forkguard_active() != 0


def version():
    """The version of the preloaded library; None without it."""
    library = _load()
    return library.forkguard_version().decode() if library else None


def register(function=None, /, *args, name=None):
    """Runs ``function(*args)`` in each child that is forked from now on. Gives the function back.

    Also a decorator, with or without a name: ``@register``, ``@register(name="pool")``. The name (by default the function's
    own) is the report's. An exception is printed and reported; the fixups behind it still run. A child that a fixup forks
    goes on inside that fixup. Where :func:`active` is false it does nothing; if the preload is missing it logs a warning once.
    """
    if function is None:
        return partial(register, name=name)
    if not callable(function):
        raise TypeError(f"a fixup must be callable, not {type(function).__name__}")
    if active():
        _install()
        _fixups.append(((name or _name(function)).encode(errors="replace"), function, args))
    elif not _library:
        _warn_once()
    return function


def keep(descriptor):
    """Declares that a descriptor, or a socket, is for the children: no guard changes it until it is closed. True on success."""
    number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
    library = _load()
    return bool(library) and library.forkguard_keep_descriptor(number) == 0


def mark_fork_safe(thread):
    """Declares that children do not need a started ``threading.Thread``: its loss is no finding. True on success."""
    if thread.ident is None:
        raise ValueError("the thread has not been started")
    library = _load()
    return bool(library) and library.forkguard_mark_thread_fork_safe(thread.ident) == 0


def _load():
    """The preloaded library, looked up once: so a child never does."""
    global _library
    if _library is None:
        try:
            _library = _bind()
        except (ImportError, OSError, AttributeError):
            _library = False
    return _library


def _bind():
    import ctypes

    # PyDLL: a call right after a fork must not release the interpreter's lock.
    library = ctypes.PyDLL(None)
    library.forkguard_version.restype = ctypes.c_char_p
    library.forkguard_active.argtypes = []
    library.forkguard_fixup_begins.argtypes = [ctypes.c_char_p]
    library.forkguard_fixup_begins.restype = None
    library.forkguard_fixup_ended.argtypes = [ctypes.c_char_p, ctypes.c_int]
    library.forkguard_fixup_ended.restype = None
    library.forkguard_keep_descriptor.argtypes = [ctypes.c_int]
    library.forkguard_mark_thread_fork_safe.argtypes = [ctypes.c_ulong]
    return library


def _warn_once():
    global _warn_once
    import logging

    logging.getLogger("forkguard").warning("libforkguard.so is not preloaded: registered fixups do not run")
    _warn_once = bool


def _name(function):
    module = getattr(function, "__module__", None)
    name = getattr(function, "__qualname__", None) or type(function).__qualname__
    return f"{module}.{name}" if module else name


def _install():
    """With the first fixup: has :func:`_run` called in children, by each hook of the runtime."""
    global _install, _process
    _process = os.getpid()
    os.register_at_fork(after_in_child=_run)
    if "uwsgi" in sys.modules or "uwsgi" in sys.builtin_module_names:
        from . import _uwsgi

        _uwsgi.install(_run)
    _install = bool


def _run():
    """Runs the fixups in a child, when the first of the hooks calls it."""
    global _process, _running
    process = os.getpid()
    if process == _process:
        return
    _process = process
    # Forked inside a fixup: this child goes on there.
    if _running == get_ident():
        return
    _running = get_ident()
    for fixup in list(_fixups):
        _run_one(*fixup)
    _running = None


def _run_one(name, function, args):
    _library.forkguard_fixup_begins(name)
    raised = True
    try:
        function(*args)
        raised = False
    # SystemExit, too: no fork hook may end the process that way, nor prevent the fixups behind it.
    except BaseException as error:
        _print(name, error)
    finally:
        _library.forkguard_fixup_ended(name, raised)


def _print(name, error):
    import traceback

    try:
        print(f"forkguard: exception in the fixup {name.decode()}:", file=sys.stderr)
        traceback.print_exception(type(error), error, error.__traceback__)
    # stderr may be closed.
    except Exception:
        pass
