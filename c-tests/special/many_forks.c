// Forks as many children that live on as its argument says, with a thread lost in each.
#include "../process.h"

static void *work(void *unused) {
    (void)unused;
    stay();
}

int main(int count, char **arguments) {
    CHECK(count == 2);
    start_worker(work);
    for (int left = atoi(arguments[1]); left > 0; left--)
        fork_living_child();
    return 0;
}
