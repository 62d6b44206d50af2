// A map under a lock for readers and writers: a thread changes it, the worker looks something up. Right: a worker that cannot read it goes without.
#include "prefork.h"
#include <map>
#include <mutex>
#include <shared_mutex>

static std::shared_mutex regions_lock;
static std::map<unsigned long, unsigned long> regions;

static void map_region() {
    std::unique_lock<std::shared_mutex> writer(regions_lock); // # thread
    regions[1] = 4096;
}

static void look_up() {
    std::shared_lock<std::shared_mutex> reader(regions_lock); // # worker
    CHECK(regions.size() < 2);
}

static void look_up_if_free() {
    std::shared_lock<std::shared_mutex> reader(regions_lock, std::try_to_lock);
    CHECK(!reader.owns_lock() || regions.size() < 2);
}

int main(int count, char **) {
    work_beside("region-map", map_region);
    return fork_worker(count > 1 ? look_up_if_free : look_up);
}
