/* Steps the wall clock of one process, for LD_PRELOAD: CLOCK_STEP_FILE names a file of eight bytes, a signed number of
 * seconds that is read at every call. Monotonic and boot clocks stay as they are. Waits until an instant of the wall clock
 * are handed to the kernel in its own time, as after a step of a whole machine.
 *
 * cc -shared -fPIC -O2 -o clock_step.so clock_step.c
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *step_file;

__attribute__((constructor)) static void open_step_file(void)
{
    const char *path = getenv("CLOCK_STEP_FILE");
    int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (file < 0) return;
    void *page = mmap(NULL, sizeof(int64_t), PROT_READ, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) step_file = page;
    close(file);
}

static int64_t step(void) { return step_file ? *step_file : 0; }

static int is_wall_clock(clockid_t clock) { return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE; }

int clock_gettime(clockid_t clock, struct timespec *now)
{
    int status = (int)syscall(SYS_clock_gettime, clock, now);
    if (status == 0 && is_wall_clock(clock)) now->tv_sec += step();
    return status;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone)
{
    int status = (int)syscall(SYS_gettimeofday, now, zone);
    if (status == 0) now->tv_sec += step();
    return status;
}

time_t time(time_t *now)
{
    struct timespec found;
    clock_gettime(CLOCK_REALTIME, &found);
    if (now) *now = found.tv_sec;
    return found.tv_sec;
}

/* The instant as the kernel counts it. */
static struct timespec unstepped(const struct timespec *instant)
{
    struct timespec found = *instant;
    found.tv_sec -= step();
    return found;
}

int pthread_cond_timedwait(pthread_cond_t *restrict condition, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict until)
{
    static int (*wait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *);
    if (!wait)
        wait = (int (*)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *))dlsym(RTLD_NEXT,
                                                                                            "pthread_cond_timedwait");
    /* glibc keeps the clock of a condition in the second bit: set for CLOCK_MONOTONIC. */
    if (condition->__data.__wrefs & 2) return wait(condition, mutex, until);
    struct timespec instant = unstepped(until);
    return wait(condition, mutex, &instant);
}

int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until)
{
    static int (*wait)(sem_t *, const struct timespec *);
    if (!wait) wait = (int (*)(sem_t *, const struct timespec *))dlsym(RTLD_NEXT, "sem_timedwait");
    struct timespec instant = unstepped(until);
    return wait(semaphore, &instant);
}

int pthread_mutex_timedlock(pthread_mutex_t *restrict mutex, const struct timespec *restrict until)
{
    static int (*lock)(pthread_mutex_t *, const struct timespec *);
    if (!lock) lock = (int (*)(pthread_mutex_t *, const struct timespec *))dlsym(RTLD_NEXT, "pthread_mutex_timedlock");
    struct timespec instant = unstepped(until);
    return lock(mutex, &instant);
}
