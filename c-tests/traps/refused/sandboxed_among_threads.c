// A filter is set for all threads of a process while they make descriptors and locks: none of them is ended by what is not its own.
#include "../../filter.h"
#include <semaphore.h>
#include <sys/eventfd.h>

enum { THREADS = 2, ROUNDS = 6 };

static const int foreign[] = {
    SYS_process_vm_readv, SYS_process_vm_writev, SYS_getpid, SYS_gettid, SYS_getppid, SYS_rt_sigpending, SYS_rt_sigtimedwait,
    SYS_openat, SYS_getdents64, SYS_newfstatat, SYS_fstat, SYS_lseek, SYS_fcntl, SYS_readlinkat, SYS_ppoll, SYS_poll,
    SYS_membarrier, SYS_kcmp,
};
static _Atomic int begun, over;

static void *use(void *unused) {
    begun++;
    while (!over) {
        int fd = eventfd(0, 0);
        CHECK(fd >= 0 && close(fd) == 0);
        sem_t semaphore;
        CHECK(sem_init(&semaphore, 0, 1) == 0 && sem_wait(&semaphore) == 0 && sem_post(&semaphore) == 0);
    }
    return unused;
}

static void process(void *unused) {
    pthread_t threads[THREADS];
    struct filter filter;
    filter_to(&filter, foreign, sizeof foreign / sizeof *foreign, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ALLOW);
    CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    begun = over = 0;
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, use, unused) == 0);
    EVENTUALLY(begun == THREADS);
    CHECK(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter.program) == 0);
    brief_pause();
    over = 1;
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_join(threads[i], NULL) == 0);
}

int main(void) {
    for (int round = 0; round < ROUNDS; round++)
        in_child(process, NULL);
    puts("as ever");
    return 0;
}
