/* Forks in a thread without the GIL while another one has it; the child asks for it. (Called by held_gil.py.) */
#include <pthread.h>
#include <semaphore.h>
#include <sys/wait.h>
#include <unistd.h>

int PyGILState_Ensure(void);

static sem_t held;

static void *fork_once(void *unused) {
    sem_wait(&held);
    pid_t child = fork();
    if (child == 0) {
        PyGILState_Ensure(); // # waits
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return unused;
}

/* With the GIL, which it keeps. */
void keep(void) {
    pthread_t thread;
    sem_init(&held, 0, 0);
    pthread_create(&thread, NULL, fork_once, NULL);
    sem_post(&held);
    pthread_join(thread, NULL);
}
