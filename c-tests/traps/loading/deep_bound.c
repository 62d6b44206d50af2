// Libraries come and go with RTLD_DEEPBIND while threads call through those that are there: what a library defines itself stays its own, its
// read-only data is read-only again, and one in a namespace of its own keeps to the C library of that.
// PLUGIN: deep_bound deep_bound_lazily
// LIBS: -ldl
// REPORT: none (it makes no process)
#include "../../deep_bound.h"
#include <stdatomic.h>
#include <sys/uio.h>

static atomic_bool stop;
static struct deep_bound kept;

static bool can_write(void *address) {
    uint64_t word;
    struct iovec own = {&word, sizeof word}, there = {address, sizeof word};
    CHECK(process_vm_readv(getpid(), &own, 1, &there, 1, 0) == sizeof word);
    return process_vm_writev(getpid(), &own, 1, &there, 1, 0) == sizeof word;
}

static void *call(void *unused) {
    while (!stop)
        CHECK(kept.send(-1, "", 0) == -1 && kept.send_by_table(-1, "", 0) == -1 && kept.seek() == 7);
    return unused;
}

static void *load(void *file) {
    for (int round = 0; round < 100; round++) {
        struct deep_bound plugin = load_deep_bound(file, round % 2 ? RTLD_NOW : RTLD_LAZY);
        CHECK(plugin.seek() == 7 && plugin.send(-1, "", 0) == -1 && plugin.send_by_table(-1, "", 0) == -1);
        CHECK(dlclose(plugin.handle) == 0);
    }
    return NULL;
}

static void in_a_namespace(void) {
    void *handle = dlmopen(LM_ID_NEWLM, "libdeep_bound.so", RTLD_NOW | RTLD_DEEPBIND);
    CHECK(handle != NULL);
    int (*seek)(void);
    *(void **)&seek = symbol(handle, "deep_seek");
    CHECK(seek() == 7 && dlclose(handle) == 0);
}

int main(void) {
    FAILS(0, dlopen("libthere_is_none.so", RTLD_NOW | RTLD_DEEPBIND) == NULL ? -1 : 0);
    CHECK(strstr(dlerror(), "libthere_is_none.so") != NULL);
    kept = load_deep_bound("libdeep_bound.so", RTLD_NOW);
    CHECK(!can_write(kept.table()));
    pthread_t caller, loaders[2];
    CHECK(pthread_create(&caller, NULL, call, NULL) == 0);
    CHECK(pthread_create(&loaders[0], NULL, load, "libdeep_bound.so") == 0);
    CHECK(pthread_create(&loaders[1], NULL, load, "libdeep_bound_lazily.so") == 0);
    CHECK(pthread_join(loaders[0], NULL) == 0 && pthread_join(loaders[1], NULL) == 0);
    stop = true;
    CHECK(pthread_join(caller, NULL) == 0);
    in_a_namespace();
    puts("each called what it meant");
    return 0;
}
