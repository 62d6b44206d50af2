// What exit handlers may do to files, and streams that are written, flushed and dropped: results and errno.
#include "driver.h"
#include <fcntl.h>
#include <semaphore.h>
#include <stdarg.h>
#include <stdio_ext.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>

static int made(char *path) {
    int file = mkstemp(path);
    CHECK(file >= 0 && close(file) == 0);
    return 1;
}

SNIPPET(removals) {
    char one[] = "hooks_files.XXXXXX", two[] = "hooks_files.XXXXXX", other[64];
    CHECK(made(one) && unlink(one) == 0);
    FAILS(ENOENT, unlink(one));
    FAILS(ENOENT, remove(one));
    FAILS(ENOENT, rmdir(one));
    FAILS(ENOENT, rename(one, "hooks_files.none"));
    FAILS(EFAULT, unlink((char *)1));
    CHECK(made(two));
    snprintf(other, sizeof other, "%s.other", two);
    CHECK(renameat(AT_FDCWD, two, AT_FDCWD, other) == 0 && rename(other, two) == 0 && unlinkat(AT_FDCWD, two, 0) == 0);
    FAILS(EBADF, unlinkat(-7, "hooks_files", 0));
    CHECK(mkdir(one, 0700) == 0 && remove(one) == 0);
    FAILS(ENOENT, mkdir("hooks_files.none/one", 0700));
    char directory[] = "hooks_files.XXXXXX", unfit[] = "hooks_files";
    CHECK(mkdtemp(directory) == directory && rmdir(directory) == 0);
    CHECK(mkdtemp(unfit) == NULL && errno == EINVAL);
}

SNIPPET(shared_objects) {
    char name[64];
    snprintf(name, sizeof name, "/hooks_files.%d", getpid());
    sem_t *semaphore = sem_open(name, O_CREAT | O_EXCL, 0600, 3);
    int value, memory = shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600);
    CHECK(semaphore != SEM_FAILED && sem_getvalue(semaphore, &value) == 0 && value == 3 && sem_close(semaphore) == 0);
    CHECK(memory >= 0 && close(memory) == 0);
    FAILS(EEXIST, shm_open(name, O_CREAT | O_EXCL | O_RDWR, 0600));
    CHECK(sem_open(name, O_CREAT | O_EXCL, 0600, 3) == SEM_FAILED && errno == EEXIST);
    CHECK(sem_unlink(name) == 0 && shm_unlink(name) == 0);
    FAILS(ENOENT, sem_unlink(name));
    FAILS(ENOENT, shm_unlink(name));
    FAILS(ENOENT, shm_open(name, O_RDWR, 0));
    CHECK(sem_open(name, 0) == SEM_FAILED && errno == ENOENT);
    int set = semget(IPC_PRIVATE, 2, 0600), segment = shmget(IPC_PRIVATE, 4096, 0600), queue = msgget(IPC_PRIVATE, 0600);
    CHECK(set >= 0 && segment >= 0 && queue >= 0);
    CHECK(semctl(set, 1, SETVAL, 7) == 0 && semctl(set, 1, GETVAL) == 7);
    CHECK(semctl(set, 0, IPC_RMID) == 0 && shmctl(segment, IPC_RMID, NULL) == 0 && msgctl(queue, IPC_RMID, NULL) == 0);
    FAILS(EINVAL, semctl(set, 0, IPC_RMID));
    FAILS(EINVAL, shmctl(segment, IPC_RMID, NULL));
    FAILS(EINVAL, msgctl(queue, IPC_RMID, NULL));
    FAILS(ENOENT, semget(0x466f726b + getpid(), 1, 0600));
}

SNIPPET(streams) {
    char path[] = "hooks_files.XXXXXX", text[8] = "";
    CHECK(made(path));
    FILE *stream = fopen(path, "w+");
    CHECK(stream && fputs("dropped", stream) >= 0);
    __fpurge(stream);
    CHECK(fputs("kept", stream) >= 0 && fflush(stream) == 0 && fflush(NULL) == 0);
    rewind(stream);
    CHECK(fgets(text, sizeof text, stream) && strcmp(text, "kept") == 0 && fclose(stream) == 0 && unlink(path) == 0);
}

int __fprintf_chk(FILE *, int, const char *, ...);
int __vfprintf_chk(FILE *, int, const char *, va_list);

static int listed(FILE *stream, bool checked, const char *format, ...) {
    va_list list;
    va_start(list, format);
    int written = checked ? __vfprintf_chk(stream, 1, format, list) : vfprintf(stream, format, list);
    va_end(list);
    return written;
}

SNIPPET(writes) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    CHECK(stream);
    // More arguments than there are registers, of both kinds.
    const char *format = "%d %d %d %d %d %d %.1f %.1f %.1f %.1f %.1f %.1f %.1f %.1f %.1f %s\n";
#define ARGUMENTS 1, 2, 3, 4, 5, 6, .1, .2, .3, .4, .5, .6, .7, .8, .9, "end"
    KEEPS_ERRNO(fprintf(stream, format, ARGUMENTS) == 52 && __fprintf_chk(stream, 1, format, ARGUMENTS) == 52);
    KEEPS_ERRNO(listed(stream, false, format, ARGUMENTS) == 52 && listed(stream, true, format, ARGUMENTS) == 52);
    KEEPS_ERRNO((fputs)("a", stream) >= 0 && (fputs_unlocked)("b", stream) >= 0 && (fputc)('c', stream) == 'c' && (putc)('d', stream) == 'd');
    KEEPS_ERRNO((fputc_unlocked)('e', stream) == 'e' && (putc_unlocked)('f', stream) == 'f');
    KEEPS_ERRNO((fwrite)("gh", 1, 2, stream) == 2 && (fwrite_unlocked)("ij", 2, 1, stream) == 1);
    CHECK(fclose(stream) == 0 && length == 4 * 52 + 10);
    for (int line = 0; line < 4; line++)
        CHECK(strncmp(text + line * 52, "1 2 3 4 5 6 0.1 0.2 0.3 0.4 0.5 0.6 0.7 0.8 0.9 end\n", 52) == 0);
    CHECK(strcmp(text + 4 * 52, "abcdefghij") == 0);
    free(text);
    FILE *full = fopen("/dev/full", "w");
    CHECK(full && setvbuf(full, NULL, _IONBF, 0) == 0);
    FAILS(ENOSPC, fputs("one", full));
    FAILS(ENOSPC, fputc('1', full));
    FAILS(ENOSPC, fprintf(full, "%d", 1));
    CHECK(fwrite("one", 1, 3, full) == 0 && errno == ENOSPC && fclose(full) == 0);
}
