// Its argument is the number of children that it forks; they live on, with a thread lost in each.
#include "../process.h"

int main(int count, char **arguments) {
    CHECK(count == 2);
    start_worker(stay_idle);
    for (int left = atoi(arguments[1]); left > 0; left--)
        fork_living_child();
    return 0;
}
