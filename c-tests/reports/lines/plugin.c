// A library that is loaded at run time, and whose own thread takes its lock.
// PLUGIN: lines_plugin
// EXPECT: lock-orphaned at~lines_plugin.c:9 subject~plugin_lock count=1
// EXPECT: thread-lost at~lines_plugin.c:18 count=1
// STDERR: taken at lines_plugin.c:9 in work
#include "../../process.h"
#include <dlfcn.h>

int main(void) {
    void *plugin = dlopen("liblines_plugin.so", RTLD_NOW);
    CHECK(plugin != NULL);
    void (*start)(void) = (void (*)(void))dlsym(plugin, "plugin_start");
    CHECK(start != NULL);
    start();
    fork_living_child();
    return 0;
}
