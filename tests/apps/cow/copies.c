// A worker that copies pages of its leader's, a few at a time; with an argument exactly a quarter of them, and then it waits.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 32768 };
static char *memory;

__attribute__((noinline)) static void write_page(int page) {
    memory[(size_t)page * PAGE] ^= 1; // copies
}

int main(int count, char **arguments) {
    (void)arguments;
    int pages = count > 1 ? PAGES / 4 : PAGES, ready[2];
    memory = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || madvise(memory, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE) != 0 || pipe(ready) != 0)
        return 1;
    memset(memory, 1, (size_t)PAGES * PAGE);
    pid_t child = fork();
    if (child == 0) {
        for (int page = 0; page < pages; page++) {
            write_page(page);
            if (count == 1 && page % 20 == 0)
                usleep(10000);
        }
        if (write(ready[1], "", 1) != 1)
            return 1;
        for (;;)
            pause();
    }
    char byte;
    if (count > 1 && read(ready[0], &byte, 1) != 1)
        return 1;
    printf("%d\n", child);
    fflush(stdout);
    waitpid(child, NULL, 0);
    return 0;
}
