// heap ITEMS: processor nanoseconds an item of a program that allocates much, in four threads around a shared cache.
#include "bench.h"
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

static std::mutex guard;
static std::unordered_map<std::string, std::shared_ptr<std::vector<int>>> cache;

static void work(unsigned seed, long items) {
    std::map<std::string, std::string> own;
    for (long i = 0; i < items; i++) {
        seed = seed * 1103515245u + 12345u;
        std::string key = "a key that is too long for the small string buffer " + std::to_string(seed >> 16 & 1023);
        own[key] = std::string(16 + seed % 200, 'x');
        std::shared_ptr<std::vector<int>> entry;
        {
            std::lock_guard<std::mutex> held(guard);
            auto &slot = cache[key];
            if (!slot || slot->size() > 64)
                slot = std::make_shared<std::vector<int>>();
            entry = slot;
        }
        std::vector<int> copy(1 + seed % 50, static_cast<int>(seed));
        {
            std::lock_guard<std::mutex> held(guard);
            entry->insert(entry->end(), copy.begin(), copy.begin() + 1);
        }
        if (own.size() > 500)
            own.erase(own.begin());
    }
}

int main(int argc, char **argv) {
    const int count = 4;
    long items = argument(argc, argv, 1, 400000) / count;
    // On one processor the threads' contention, which is chance, stays out of the figure.
    pin();
    std::vector<std::thread> threads;
    double start = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    for (unsigned i = 0; i < count; i++)
        threads.emplace_back(work, i, items);
    for (auto &thread : threads)
        thread.join();
    print_figure((nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - start) / static_cast<double>(items * count));
}
