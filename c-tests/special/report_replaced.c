// Something else takes the place of the report below ./report (argument: fifo, file, link or removed), and a close by a raw system call takes
// the descriptor; the program forks on.
#include "../process.h"
#include <fcntl.h>
#include <sys/stat.h>

static char report[600];

static void find_report(void) {
    DIR *directory = opendir("report");
    CHECK(directory != NULL);
    for (struct dirent *entry; (entry = readdir(directory));)
        if (strstr(entry->d_name, ".jsonl"))
            snprintf(report, sizeof report, "report/%s", entry->d_name);
    CHECK(closedir(directory) == 0 && *report);
}

static void put_file(const char *path) {
    int file = open(path, O_CREAT | O_EXCL | O_WRONLY, 0666);
    CHECK(file >= 0 && write(file, "stranger", 8) == 8 && close(file) == 0);
}

static void check_stranger(const char *path) {
    struct stat status;
    CHECK(stat(path, &status) == 0 && status.st_size == 8);
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    fork_living_child();
    find_report();
    CHECK(unlink(report) == 0);
    const char *kind = arguments[1];
    if (!strcmp(kind, "fifo"))
        CHECK(mkfifo(report, 0666) == 0);
    if (!strcmp(kind, "file"))
        put_file(report);
    if (!strcmp(kind, "link")) {
        put_file("stranger");
        CHECK(symlink("../stranger", report) == 0);
    }
    if (strcmp(kind, "removed"))
        CHECK(syscall(SYS_close_range, 100, ~0u, 0) == 0);
    for (int round = 0; round < 20; round++)
        fork_living_child();
    if (!strcmp(kind, "file"))
        check_stranger(report);
    if (!strcmp(kind, "link"))
        check_stranger("stranger");
    return 0;
}
