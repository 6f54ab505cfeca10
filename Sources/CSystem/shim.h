/* System calls that Swift cannot call because they take a variable number of arguments. */
#ifndef CSYSTEM_SHIM_H
#define CSYSTEM_SHIM_H

#include <malloc.h>
#include <signal.h>
#include <sys/prctl.h>

/* The kernel kills this process when the thread that started it ends. */
static inline int system_end_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

/* No core dump and no attaching by other processes of the same user. */
static inline int system_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

/* A process that holds large texts for short keeps its memory small: few heaps, large blocks in mappings of their own that
 * go back when they are freed, whatever was freed before. Before other threads are started. */
static inline void system_keep_heap_small(void)
{
#ifdef __GLIBC__
    mallopt(M_ARENA_MAX, 2);
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
#endif
}

/* A process that takes the same blocks of some megabytes again and again keeps them: a block that goes back to the system
 * and comes again costs a fault a page, and the faults of one process wait for each other. Larger ones go back, and at
 * most 64 MiB that are free stay. Before other threads are started. */
static inline void system_keep_heap(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
#endif
}

/* Hands back what the heap has free. Milliseconds for a heap of some hundred megabytes. */
static inline void system_trim_heap(void)
{
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

#endif
