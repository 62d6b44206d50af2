// A fixup throws through fork(), which its caller allows for.
// EXPECT-EVENT: fixup name=throws progress=begins count=1
// EXPECT-NO-EVENT: fixup progress=done
#include "../../../include/forkguard.h"
#include <stdexcept>
#include <cstdlib>
#include <sys/wait.h>
#include <unistd.h>

static void throws(void *) {
    throw std::runtime_error("as the program wants it");
}

// By its declaration in <unistd.h> it never throws.
static pid_t (*volatile forks)() = reinterpret_cast<pid_t (*)()>(fork);

int main() {
    if (forkguard_register_fixup("throws", throws, nullptr) < 0)
        return 1;
    try {
        pid_t child = forks();
        int status;
        return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 7 ? 0 : 2;
    } catch (const std::runtime_error &) {
        _exit(7);
    }
}
