// What waits in C++'s files is in a buffer above the C library's: a child writes its copy as the file is flushed or closed, at its end, or when it is full.
// EXPECT: buffer-duplicated severity=info state=open subject~'cpp.log (descriptor' subject~'8 bytes in C++' count=4
// EXPECT: buffer-duplicated severity=error state=hit subject~cpp.log sites=[role=opened,frames.module~PROGRAM] sites=[role=fork,frames.module~PROGRAM] count=4
// STDERR: buffer-duplicated (error)
#include "../../check.h"
#include <fstream>
#include <memory>
#include <string>

struct Log {
    std::ofstream file{"cpp.log", std::ios::app};
    Log() { file << "started\n"; }
};

static int lines() {
    std::ifstream file("cpp.log");
    std::string line;
    int count = 0;
    while (std::getline(file, line))
        count += line == "started";
    return count;
}

static void by_flush(std::unique_ptr<Log> &log) { log->file.flush(); _exit(0); }
static void by_close(std::unique_ptr<Log> &log) { log->file << "and more\n", log->file.close(); _exit(0); }
static void by_the_end(std::unique_ptr<Log> &log) { log.reset(), exit(0); }

static void by_a_full_buffer(std::unique_ptr<Log> &log) {
    for (int i = 0; i < 4000; i++)
        log->file << "more and more\n";
    _exit(0);
}

int main() {
    for (auto way : {by_flush, by_close, by_the_end, by_a_full_buffer}) {
        auto log = std::make_unique<Log>();
        pid_t child = fork();
        if (child == 0)
            way(log);
        log->file << "the leader goes on\n";
        EXITED(child, 0);
        log.reset();
        CHECK(lines() == 2);
        CHECK(unlink("cpp.log") == 0);
    }
    return 0;
}
