/* System calls that Swift cannot call because they take a variable number of arguments. */
#ifndef CSYSTEM_SHIM_H
#define CSYSTEM_SHIM_H

#include <signal.h>
#include <sys/prctl.h>

/* The kernel kills this process when the thread that started it ends. */
static inline int system_end_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }

/* No core dump and no attaching by other processes of the same user. */
static inline int system_forbid_dumps(void) { return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

#endif
