// Daemons that close all descriptors and know it: they open their log anew, under the same number or at the number of their choice; close the old
// stream first; keep the log's descriptor open, or closed it before; or write nothing more. One that closed its log alone is not looked at.
// EXPECT-NOT: closed-descriptor-used
// EXPECT-NO-EVENT: finding severity=error
// STDERR-NOT: closed-descriptor-used
#include "fixture.h"

static void write_to(int fd) { CHECK(write(fd, "line\n", 5) == 5); }

// Files under all numbers that the leader's had.
static void open_anew(void) {
    for (int fd = 0; fd < log_file || fd < fileno(log_stream);) {
        CHECK((fd = open("new.log", O_CREAT | O_WRONLY | O_APPEND, 0600)) >= 0);
        write_to(fd);
    }
}

static void opens_anew(void) {
    close_all_upwards();
    open_anew();
    FILE *stream = fdopen(fileno(log_stream), "a");
    CHECK(stream != NULL && fputs("line\n", stream) >= 0 && fflush(stream) == 0);
}

static void places(void) {
    close_all_downwards();
    int fd = open("new.log", O_CREAT | O_WRONLY | O_APPEND, 0600);
    CHECK(fd > 2 && dup2(fd, fileno(log_stream)) == fileno(log_stream) && dup2(fd, log_file) == log_file);
    write_to(log_file);
    CHECK(fputs("line\n", log_stream) >= 0 && fflush(log_stream) == 0);
}

static void closes_stream(void) {
    close_all_upwards();
    fclose(log_stream);
    open_anew();
    log_stream = fopen("stream.log", "a");
    CHECK(log_stream != NULL && fputs("line\n", log_stream) >= 0 && fflush(log_stream) == 0);
}

static void closed_before(void) {
    CHECK(fclose(log_stream) == 0 && close(log_file) == 0);
    close_all_upwards();
    open_log();
    write_to(log_file);
    CHECK(fputs("line\n", log_stream) >= 0 && fflush(log_stream) == 0);
}

static void keeps(void) {
    for (int fd = 3; fd < ALL; fd++)
        if (fd != log_file && fd != fileno(log_stream))
            close(fd);
    write_to(log_file);
    CHECK(fputs("line\n", log_stream) >= 0 && fflush(log_stream) == 0);
}

static void is_silent(void) {
    close_all_upwards();
    int fd = open("new.log", O_CREAT | O_WRONLY | O_APPEND, 0600);
    write_to(fd);
}

static void closes_one(void) {
    CHECK(close(log_file) == 0);
    FAILS(EBADF, write(log_file, "line\n", 5));
}

int main(void) {
    open_log();
    in_daemon(opens_anew);
    in_daemon(places);
    in_daemon(closes_stream);
    in_daemon(closed_before);
    in_daemon(keeps);
    in_daemon(is_silent);
    in_daemon(closes_one);
    return 0;
}
