// An object that several hold, with a recursive mutex of its own; the worker lets go of it. Right: the mutex is made anew in the child.
#include "prefork.h"
#include <memory>
#include <mutex>
#include <new>

struct Bus {
    std::recursive_mutex mutex;
    int messages = 0;

    void process() {
        std::lock_guard<std::recursive_mutex> guard(mutex); // # thread
        messages++;
    }

    void drop() {
        std::lock_guard<std::recursive_mutex> guard(mutex); // # worker
        messages--;
    }
};

static std::unique_ptr<Bus> bus;

int main(int count, char **) {
    bus = std::make_unique<Bus>();
    if (count > 1) {
        CHECK(pthread_atfork(nullptr, nullptr, [] { new (&bus->mutex) std::recursive_mutex; }) == 0);
    }
    work_beside("bus-loop", [] { bus->process(); });
    return fork_worker([] { bus->drop(); });
}
