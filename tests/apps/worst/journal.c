// A daemon whose threads log through syslog(3). Right: the worker writes to standard error, which a supervisor collects.
#include "prefork.h"
#include <syslog.h>

static void log_session(void) {
    syslog(LOG_DEBUG, "session goes on"); // # thread
}

static void log_request(void) {
    syslog(LOG_INFO, "request accepted"); // # worker
}

static void write_request(void) {
    CHECK(write(2, "request accepted\n", 17) == 17);
}

int main(int count, char **arguments) {
    (void)arguments;
    openlog("journal", LOG_PID, LOG_DAEMON);
    work_beside("session", log_session);
    return fork_worker(count > 1 ? write_request : log_request);
}
