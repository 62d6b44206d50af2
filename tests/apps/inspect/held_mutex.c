/* A thread that holds a mutex at the fork; the child takes it. With an argument the child waits for a semaphore that its handler posts. */
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t order_lock = PTHREAD_MUTEX_INITIALIZER;
static sem_t work;
static int ready[2];

static void *keeper(void *unused) {
    pthread_mutex_lock(&order_lock);
    if (write(ready[1], "x", 1) == 1)
        pause(); // # stood
    return unused;
}

__attribute__((noinline)) static void handle_request(void) {
    pthread_mutex_lock(&order_lock); // # waits
    pthread_mutex_unlock(&order_lock);
}

static void post(int signal) {
    (void)signal;
    sem_post(&work);
}

int main(int count, char **arguments) {
    (void)arguments;
    pthread_t thread;
    char byte;
    if (pipe(ready) || pthread_create(&thread, NULL, keeper, NULL) || read(ready[0], &byte, 1) != 1)
        return 1;
    sem_init(&work, 0, 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGTERM, post);
        if (count > 1)
            sem_wait(&work);
        else
            handle_request();
        _exit(0);
    }
    return waitpid(child, NULL, 0) != child;
}
