// However a thread ends (returned, left from inside or from another stack, cancelled, by a system call), it is not lost, and what its
// destructors lock is no orphan.
// EXPECT-NOT: thread-lost
// EXPECT-NOT: lock-orphaned
// EXPECT-EVENT: fork counts.threads=1 count=1
// EXPECT-NO-EVENT: fork threads=[recorded=false]
#include "../../tasks.h"
#include <semaphore.h>
#include <setjmp.h>
#include <threads.h>
#include <ucontext.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t key;
static atomic_int destroyed;

static void destroy(void *value) {
    CHECK(value == &key);
    CHECK(pthread_mutex_lock(&mutex) == 0 && pthread_mutex_unlock(&mutex) == 0);
    destroyed++;
}

static void begin(void) {
    CHECK(pthread_setspecific(key, &key) == 0);
}

static void *returned(void *argument) {
    begin();
    return argument;
}

static __attribute__((noinline)) void leave(void *value) {
    pthread_exit(value);
}

static void *left(void *argument) {
    begin();
    leave(argument);
    return NULL;
}

static void *jumped(void *argument) {
    static thread_local jmp_buf target;
    begin();
    if (setjmp(target) == 0)
        longjmp(target, 1);
    return argument;
}

static thread_local void *leaves_with;

static void leave_elsewhere(void) {
    pthread_exit(leaves_with);
}

// On a stack of its own, as coroutines are.
static void *left_elsewhere(void *argument) {
    static char stack[1 << 16];
    ucontext_t here, there;
    begin();
    leaves_with = argument;
    CHECK(getcontext(&there) == 0);
    there.uc_stack = (stack_t){.ss_sp = stack, .ss_size = sizeof stack};
    there.uc_link = &here;
    makecontext(&there, leave_elsewhere, 0);
    swapcontext(&here, &there);
    return NULL;
}

static void *cancelled(void *argument) {
    begin();
    pthread_cancel(pthread_self());
    pthread_testcancel();
    return argument;
}

static void *cancelled_anywhere(void *argument) {
    begin();
    pthread_setcanceltype(PTHREAD_CANCEL_ASYNCHRONOUS, NULL);
    pthread_cancel(pthread_self());
    return argument;
}

static void *by_system_call(void *argument) {
    syscall(SYS_exit, 0);
    return argument;
}

static int left_c11(void *unused) {
    (void)unused;
    begin();
    thrd_exit(7);
}

static void ends(void *(*routine)(void *), void *result) {
    pthread_t thread;
    void *value;
    for (int index = 0; index < 3; index++) {
        CHECK(pthread_create(&thread, NULL, routine, &mutex) == 0);
        CHECK(pthread_join(thread, &value) == 0 && value == result);
    }
}

int main(void) {
    thrd_t thread;
    int result;
    CHECK(pthread_key_create(&key, destroy) == 0);
    ends(returned, &mutex);
    ends(left, &mutex);
    ends(jumped, &mutex);
    ends(left_elsewhere, &mutex);
    ends(cancelled, PTHREAD_CANCELED);
    ends(cancelled_anywhere, PTHREAD_CANCELED);
    CHECK(thrd_create(&thread, left_c11, NULL) == thrd_success);
    CHECK(thrd_join(thread, &result) == thrd_success && result == 7);
    CHECK(destroyed == 6 * 3 + 1);
    // glibc gives no result of such a one.
    in_thread(by_system_call, NULL);
    EVENTUALLY(tasks() == 1);
    fork_living_child();
    return 0;
}
