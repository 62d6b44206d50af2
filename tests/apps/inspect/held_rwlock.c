/* A thread that has a read-write lock for writing at the fork; the child takes it to read ("reads") or to write. */
#include <pthread.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_rwlock_t table_lock = PTHREAD_RWLOCK_INITIALIZER;
static int ready[2];

static void *updater(void *unused) {
    pthread_rwlock_wrlock(&table_lock);
    if (write(ready[1], "x", 1) == 1)
        pause(); // # stood
    return unused;
}

__attribute__((noinline)) static void look_up(void) {
    pthread_rwlock_rdlock(&table_lock); // # reads
    pthread_rwlock_unlock(&table_lock);
}

__attribute__((noinline)) static void update(void) {
    pthread_rwlock_wrlock(&table_lock); // # writes
    pthread_rwlock_unlock(&table_lock);
}

int main(int count, char **arguments) {
    pthread_t thread;
    char byte;
    if (count != 2 || pipe(ready) || pthread_create(&thread, NULL, updater, NULL) || read(ready[0], &byte, 1) != 1)
        return 1;
    pid_t child = fork();
    if (child == 0) {
        if (strcmp(arguments[1], "reads") == 0)
            look_up();
        else
            update();
        _exit(0);
    }
    return waitpid(child, NULL, 0) != child;
}
