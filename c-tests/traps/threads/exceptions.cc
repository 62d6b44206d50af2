// C++ through the hooks: exceptions cross nothing they did not cross before, thread_local destructors lock at a thread's end, and
// cancellation unwinds through a std::thread's start routine.
#include "../../check.h"
#include <condition_variable>
#include <future>
#include <mutex>
#include <shared_mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

static std::mutex global;
static std::recursive_timed_mutex timed;
static std::shared_mutex shared;
static int locked_at_end;
static int unwound;

struct AtThreadEnd {
    bool touched = false;
    ~AtThreadEnd() {
        std::lock_guard<std::mutex> guard(global);
        std::lock_guard<std::recursive_timed_mutex> another(timed);
        std::shared_lock<std::shared_mutex> reader(shared);
        locked_at_end++;
    }
};
static thread_local AtThreadEnd at_thread_end;

struct Unwound {
    ~Unwound() { unwound++; }
};

static void throw_with_lock() {
    std::unique_lock<std::shared_mutex> writer(shared);
    throw std::runtime_error("thrown with a lock");
}

static void body() {
    at_thread_end.touched = true;
    try {
        throw_with_lock();
    } catch (const std::runtime_error &error) {
        CHECK(std::string(error.what()) == "thrown with a lock");
    }
    shared.lock();
    shared.unlock();
}

static void *cancelled(void *) {
    Unwound unwinds;
    try {
        for (;;)
            pause();
    } catch (...) {
        // glibc's forced unwinding must be passed on.
        unwound++;
        throw;
    }
}

static void *exits_deep(void *) {
    Unwound unwinds;
    pthread_exit(nullptr);
}

int main() {
    std::vector<std::thread> threads;
    for (int index = 0; index < 50; index++)
        threads.emplace_back(body);
    for (std::thread &thread : threads)
        thread.join();
    CHECK(locked_at_end == 50);

    std::future<int> future = std::async(std::launch::async, []() -> int { throw std::logic_error("from another thread"); });
    try {
        future.get();
        CHECK(!"thrown");
    } catch (const std::logic_error &error) {
        CHECK(std::string(error.what()) == "from another thread");
    }

    pthread_t thread;
    void *result;
    CHECK(pthread_create(&thread, nullptr, cancelled, nullptr) == 0);
    CHECK(pthread_cancel(thread) == 0);
    CHECK(pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED);
    in_thread(exits_deep, nullptr);
    CHECK(unwound == 3);

    std::condition_variable_any condition;
    bool given = false;
    std::thread giver([&] {
        std::lock_guard<std::recursive_timed_mutex> guard(timed);
        given = true;
        condition.notify_all();
    });
    {
        std::unique_lock<std::recursive_timed_mutex> guard(timed);
        condition.wait(guard, [&] { return given; });
    }
    giver.join();

    pid_t child = fork();
    if (child == 0) {
        int caught = 0;
        std::thread([&] {
            try {
                throw_with_lock();
            } catch (const std::exception &) {
                caught = 1;
            }
        }).join();
        _exit(caught ? 0 : 1);
    }
    EXITED(child, 0);
    puts("unwound");
}
