// Objects that processes share by name and by number, and a handler that removes them.
#pragma once
#include "../../check.h"
#include <fcntl.h>
#include <semaphore.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>

static char semaphore_name[64], memory_name[64];
static int memory, semaphores, queue;

__attribute__((noinline)) static void make_objects(void) {
    snprintf(semaphore_name, sizeof semaphore_name, "/forkguard.%d", getpid());
    snprintf(memory_name, sizeof memory_name, "/forkguard.%d.memory", getpid());
    int file = shm_open(memory_name, O_CREAT | O_EXCL | O_RDWR, 0600);
    CHECK(file >= 0 && close(file) == 0);
    sem_t *semaphore = sem_open(semaphore_name, O_CREAT | O_EXCL, 0600, 1);
    CHECK(semaphore != SEM_FAILED);
    memory = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    semaphores = semget(IPC_PRIVATE, 1, IPC_CREAT | 0600);
    queue = msgget(IPC_PRIVATE, IPC_CREAT | 0600);
    CHECK(memory >= 0 && semaphores >= 0 && queue >= 0);
}

__attribute__((unused)) static void remove_objects(void) {
    sem_unlink(semaphore_name);
    shm_unlink(memory_name);
    shmctl(memory, IPC_RMID, NULL);
    semctl(semaphores, 0, IPC_RMID);
    msgctl(queue, IPC_RMID, NULL);
}

// How many of them are there.
__attribute__((unused)) static int count_objects(void) {
    struct shmid_ds memory_state;
    struct msqid_ds queue_state;
    int file = shm_open(memory_name, O_RDWR, 0);
    sem_t *semaphore = sem_open(semaphore_name, 0);
    int count = (file >= 0) + (semaphore != SEM_FAILED) + (shmctl(memory, IPC_STAT, &memory_state) == 0)
        + (semctl(semaphores, 0, GETVAL) >= 0) + (msgctl(queue, IPC_STAT, &queue_state) == 0);
    if (file >= 0)
        close(file);
    return count;
}
