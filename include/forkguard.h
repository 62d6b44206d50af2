/* forkguard's C API. All symbols are weak: a program built with this header runs with and without the library preloaded.
 *
 * Without it every function is null, as an address; call through the guard that each line shows:
 *
 *     if (forkguard_version) printf("under forkguard %s\n", forkguard_version());
 *     if (forkguard_register_fixup) forkguard_register_fixup("cache", forget_cache, &cache);
 *
 * All may be called from any thread at any time. Functions of type int return 0 or more on success, and -1 with errno set otherwise. */
#ifndef FORKGUARD_H
#define FORKGUARD_H

#include <pthread.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, as MAJOR.MINOR.PATCH. */
const char *forkguard_version(void) __attribute__((weak));

/* 1 where guards act; 0 under FORKGUARD=observe and off, and before the library's own constructor has run. */
int forkguard_active(void) __attribute__((weak));

/* Runs function(argument) in each child that is forked from now on, after every library's own child handlers, in the order of
 * registration. The report names it and says how long it took, or that it did not come back. Nothing runs in FORKGUARD=observe.
 * It may take locks, start threads, fork (that child goes on inside the fixup), throw, or end the child; it may change errno.
 * A registration ends when the library of its function is unloaded. The name is copied (at most 63 bytes). Returns a number for
 * forkguard_unregister_fixup; ENOSPC: 64 are registered, EINVAL: a null name or function. */
int forkguard_register_fixup(const char *name, void (*function)(void *), void *argument) __attribute__((weak));

/* Ends a registration. ENOENT: there is none of this number. */
int forkguard_unregister_fixup(int number) __attribute__((weak));

/* Declares that this descriptor is for the children: no guard changes it, and no finding warns of it, until it is closed. EBADF: it is
 * not open. */
int forkguard_keep_descriptor(int descriptor) __attribute__((weak));

/* Declares that children do not need this thread: its loss is no finding. ESRCH: no hook saw it start. */
int forkguard_mark_thread_fork_safe(pthread_t thread) __attribute__((weak));

/* Declares that children may start this thread again by its start routine and argument, as FORKGUARD_THREADS=revive does. ESRCH as above. */
int forkguard_mark_thread_restartable(pthread_t thread) __attribute__((weak));

/* Gives a lock a name for the report (copied, at most 63 bytes); a null name removes it. ENOSPC: 256 have names, EINVAL: a
 * null lock. */
int forkguard_name_lock(const void *lock, const char *name) __attribute__((weak));

/* For language runtimes that run fixups themselves: in a child, the fixup of this name begins; it has ended, by an exception of its
 * language if raised is not 0. */
void forkguard_fixup_begins(const char *name) __attribute__((weak));
void forkguard_fixup_ended(const char *name, int raised) __attribute__((weak));

#ifdef __cplusplus
}
#endif

#endif
