// Lines of a log with local time. Right: the leader knows the zone before it forks, and the worker computes with it.
#include "prefork.h"

static long seconds_east;

static void stamp(void) {
    time_t now = time(NULL);
    struct tm parts;
    localtime_r(&now, &parts); // # thread
    seconds_east = parts.tm_gmtoff;
}

static void stamp_first_line(void) {
    time_t now = time(NULL);
    struct tm parts;
    localtime_r(&now, &parts); // # worker
}

static void compute_stamp(void) {
    time_t seconds_of_day = (time(NULL) + seconds_east) % 86400;
    CHECK(seconds_of_day < 86400);
}

int main(int count, char **arguments) {
    (void)arguments;
    work_beside("log-flusher", stamp);
    return fork_worker(count > 1 ? compute_stamp : stamp_first_line);
}
