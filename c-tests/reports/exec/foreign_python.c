// A program that exports what an interpreter exports, over memory full of rubbish: whatever the library reads there, it lives on
// and invents no frames. Once for each version whose layout it knows.
// FLAGS: -rdynamic
// STATUS: 0
// EXPECT-EVENT: exec program~exe
#include "../../check.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS 4096

static uint64_t *rubbish;
static unsigned long at;
long PyCode_Type[52], PyUnicode_Type[52], PyBytes_Type[52], PyFunction_Type[52], PyMethod_Type[52];
// As _Py_DebugOffsets of 3.13 begins its parts.
uint64_t _PyRuntime[128] = {
    [1] = 0x030d00f0, [23] = 72, [24] = 152, [29] = 8,   [30] = 0,   [31] = 56, [32] = 72, [33] = 70,
    [35] = 112,       [36] = 120, [37] = 128, [38] = 136, [39] = 68, [43] = 200, [68] = 32, [69] = 16, [70] = 40,
};

const char *Py_GetVersion(void)
{
    memcpy(_PyRuntime, "xdebugpy", 8);
    const char *version = getenv("FOREIGN_VERSION");
    return version ? version : "2.7.18";
}
int Py_IsInitialized(void) { return rubbish != NULL; }
void *PyGILState_GetThisThreadState(void) { return rubbish + at % (WORDS - 64); }
void *_PyThreadState_UncheckedGet(void) { return NULL; }
void *PyInterpreterState_Main(void) { return rubbish; }
void *PyInterpreterState_ThreadHead(void *interpreter) { return (uint64_t *)interpreter + at % (WORDS - 64); }

// Nobody calls these: they need the GIL.
#define NEEDS_THE_GIL(name) void name(void) { abort(); }
NEEDS_THE_GIL(PyThreadState_Next)
NEEDS_THE_GIL(PyThreadState_GetFrame)
NEEDS_THE_GIL(PyFrame_GetCode)
NEEDS_THE_GIL(PyFrame_GetLineNumber)
NEEDS_THE_GIL(PyFrame_GetBack)
NEEDS_THE_GIL(PyObject_GetAttrString)
NEEDS_THE_GIL(PyUnicode_InternFromString)
NEEDS_THE_GIL(_PyType_Lookup)
NEEDS_THE_GIL(PyObject_GenericGetAttr)
NEEDS_THE_GIL(PyUnicode_AsUTF8AndSize)
NEEDS_THE_GIL(PyFunction_GetCode)
NEEDS_THE_GIL(PyMethod_Function)
NEEDS_THE_GIL(Py_DecRef)
NEEDS_THE_GIL(PyErr_Occurred)
NEEDS_THE_GIL(PyErr_Clear)

static uint64_t next(void)
{
    static uint64_t state = 42;
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/// A word that may lead somewhere: into the rubbish, to a type, nowhere.
static uint64_t word(void)
{
    long *types[] = {PyCode_Type, PyUnicode_Type, PyBytes_Type};
    uint64_t value = next();
    switch (value % 8) {
    case 0: return value >> 8 & 0xff;
    case 1: return value;
    case 2: return (uint64_t)(rubbish + WORDS) + (value >> 8 & 0xfff);
    case 3:
    case 4: return (uint64_t)types[(value >> 8) % 3];
    default: return (uint64_t)(rubbish + (value >> 8) % WORDS);
    }
}

static void sites_over_rubbish(void)
{
    // With nothing mapped behind it.
    uint64_t *memory = mmap(NULL, WORDS * 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(memory != MAP_FAILED);
    CHECK(munmap(memory + WORDS, WORDS * 8) == 0);
    rubbish = memory;
    for (int round = 0; round < 1500; round++) {
        for (int i = 0; round % 8 == 0 && i < WORDS; i++)
            rubbish[i] = word();
        at = next();
        int pair[2];
        CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
        close(pair[0]);
        close(pair[1]);
    }
    for (int forks = 0; forks < 20; forks++) {
        at = next();
        pid_t child = fork();
        if (child == 0)
            _exit(0);
        int status;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
}

int main(void)
{
    const char *versions[] = {"3.9.18", "3.10.13", "3.11.2 (main)", "3.12.1+", "3.13.0", "3.14.0", "3.99.0"};
    if (getenv("FOREIGN_VERSION")) {
        sites_over_rubbish();
        return 0;
    }
    for (unsigned i = 0; i < sizeof versions / sizeof *versions; i++) {
        setenv("FOREIGN_VERSION", versions[i], 1);
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", "foreign", NULL);
            _exit(1);
        }
        int status;
        CHECK(waitpid(child, &status, 0) == child && status == 0);
    }
    return 0;
}
