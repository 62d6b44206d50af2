// Starts a thread that takes a lock and stays.
#include "../process.h"

static pthread_mutex_t plugin_lock = PTHREAD_MUTEX_INITIALIZER;

void plugin_start(void);

static void *work(void *unused) {
    CHECK(pthread_mutex_lock(&plugin_lock) == 0);
    (void)unused;
    stay();
}

void plugin_start(void) {
    // Its return value is looked at: no jump instead of a call.
    pthread_t thread;
    in_place = false;
    CHECK(pthread_create(&thread, NULL, work, NULL) == 0);
    EVENTUALLY(in_place);
}
