// What exit handlers may do to files, and streams that are flushed and dropped: results and errno.
#include "driver.h"
#include <fcntl.h>
#include <stdio_ext.h>
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
