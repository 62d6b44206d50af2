// A static program takes no preload: it must run as ever, also as the exec of a watched child.
// FLAGS: -static
// REPORT: none (nothing is preloaded)
#include "../../check.h"

static void *body(void *unused) {
    return unused;
}

static void nothing(void *unused) {
    (void)unused;
}

int main(void) {
    in_thread(body, NULL);
    in_child(nothing, NULL);
    puts("static");
    return 0;
}
