/* Threads that stay between batches: to start and to join them takes longer than to wake them.
 *
 * One job runs at a time. Whoever finds the team at work does a job alone, since all cores are busy then. A thread
 * that wakes after its job has ended does nothing. After a fork the child begins with no threads. */
#ifndef KEN_TEAM_H
#define KEN_TEAM_H

#include <pthread.h>
#include <signal.h>

typedef void Job(void *argument);

static struct {
    pthread_mutex_t busy, lock;
    pthread_cond_t begun, ended;
    Job *job;
    void *argument;
    int threads; /* that were started */
    int places;  /* of the job, that no thread has taken yet */
    int working; /* threads that have taken one */
} team = {.busy = PTHREAD_MUTEX_INITIALIZER,
          .lock = PTHREAD_MUTEX_INITIALIZER,
          .begun = PTHREAD_COND_INITIALIZER,
          .ended = PTHREAD_COND_INITIALIZER};

static void forget_team(void) {
    pthread_mutex_init(&team.busy, NULL), pthread_mutex_init(&team.lock, NULL);
    pthread_cond_init(&team.begun, NULL), pthread_cond_init(&team.ended, NULL);
    team.threads = team.places = team.working = 0;
}

static void register_fork(void) { pthread_atfork(NULL, NULL, forget_team); }

static void *member(void *unused) {
    pthread_mutex_lock(&team.lock);
    for (;;) {
        while (!team.places) pthread_cond_wait(&team.begun, &team.lock);
        team.places--, team.working++;
        Job *job = team.job;
        void *argument = team.argument;
        pthread_mutex_unlock(&team.lock);
        job(argument);
        pthread_mutex_lock(&team.lock);
        if (--team.working == 0) pthread_cond_signal(&team.ended);
    }
    return unused;
}

/* Start threads until there are `wanted`, or until the system allows no more. No signal is handled by them. */
static void grow_team(int wanted) {
    sigset_t all, before;
    pthread_attr_t detached;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    for (pthread_t thread; team.threads < wanted && !pthread_create(&thread, &detached, member, NULL);) team.threads++;
    pthread_attr_destroy(&detached);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* Run `job` on at most `threads` threads, this one included, and return when it has ended on all of them. The job
 * must be whole however many threads take part. */
static void run_together(Job *job, void *argument, int threads) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, register_fork);
    if (threads == 1 || pthread_mutex_trylock(&team.busy)) {
        job(argument);
        return;
    }
    pthread_mutex_lock(&team.lock);
    grow_team(threads - 1);
    team.job = job, team.argument = argument;
    team.places = threads - 1 < team.threads ? threads - 1 : team.threads;
    for (int i = 0; i < team.places; i++) pthread_cond_signal(&team.begun);
    pthread_mutex_unlock(&team.lock);
    job(argument);
    pthread_mutex_lock(&team.lock);
    team.places = 0;
    while (team.working) pthread_cond_wait(&team.ended, &team.lock);
    pthread_mutex_unlock(&team.lock);
    pthread_mutex_unlock(&team.busy);
}

#endif
