/* Many jobs from several callers on the kernel's team of threads, and in a forked child, for sanitizers. The exit
 * status is the number of jobs that were not done, or that too many threads did. */
#include "team.h"

#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CALLERS = 3, JOBS = 300, TASKS = 50, THREADS = 4 };

typedef struct {
    atomic_int next, done, threads;
} Work;

static atomic_int wrong;

static void work(void *argument) {
    Work *work = argument;
    atomic_fetch_add(&work->threads, 1);
    while (atomic_fetch_add(&work->next, 1) < TASKS) atomic_fetch_add(&work->done, 1);
}

static void *call(void *unused) {
    for (int i = 0; i < JOBS; i++) {
        Work job = {0};
        run_together(work, &job, 1 + i % THREADS);
        if (job.done != TASKS || job.threads > 1 + i % THREADS) atomic_fetch_add(&wrong, 1);
    }
    return unused;
}

int main(void) {
    pthread_t callers[CALLERS];
    for (int i = 0; i < CALLERS; i++) pthread_create(&callers[i], NULL, call, NULL);
    for (int i = 0; i < CALLERS; i++) pthread_join(callers[i], NULL);
#ifdef WITH_FORK
    int status = 1, child = fork();
    if (!child) call(NULL), _exit(wrong > 0);
    if (waitpid(child, &status, 0) != child || status) atomic_fetch_add(&wrong, 1);
    call(NULL);
#endif
    return wrong;
}
