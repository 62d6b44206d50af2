// The forking thread holds `mutex`; its child cannot unlock it, and locks it again.
#pragma once

static void child_body(void) {
    CHECK(pthread_mutex_unlock(&mutex) == EPERM);
    pthread_mutex_lock(&mutex);
}

int main(void) {
    start_worker(stay_idle);
    CHECK(pthread_mutex_lock(&mutex) == 0);
    fork_hanging_child("lock-deadlock", child_body);
    return 0;
}
