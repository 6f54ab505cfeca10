/* How this process ends by a signal that means a fault: one line that names the signal, and nothing of its memory.
 *
 * The Swift runtime's own handlers start a program that writes registers and the memory that they point to: cells, keys.
 * These replace them, whatever SWIFT_BACKTRACE says. Written in C: a handler may call nothing that is not safe in one. */
#ifndef CSYSTEM_CRASH_H
#define CSYSTEM_CRASH_H

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

/* Those that the runtime takes, and no others: the rest ends a process without a word. */
static const struct {
    int number;
    const char *line;
    size_t size;
} system_faults[] = {
#define SYSTEM_FAULT(name) {name, "etlx: ended by " #name "\n", sizeof "etlx: ended by " #name "\n" - 1}
    SYSTEM_FAULT(SIGQUIT), SYSTEM_FAULT(SIGABRT), SYSTEM_FAULT(SIGBUS),  SYSTEM_FAULT(SIGFPE),
    SYSTEM_FAULT(SIGILL),  SYSTEM_FAULT(SIGSEGV), SYSTEM_FAULT(SIGTRAP),
#undef SYSTEM_FAULT
};

/* Async-signal-safe: write and raise alone. The handler was taken off when it was called (SA_RESETHAND), so the signal
 * that is raised ends the process, with the status that its parent expects. */
static void system_end_by(int number)
{
    for (size_t i = 0; i < sizeof system_faults / sizeof *system_faults; i++) {
        if (system_faults[i].number != number) continue;
        ssize_t ignored = write(STDERR_FILENO, system_faults[i].line, system_faults[i].size);
        (void)ignored;
    }
    raise(number);
}

/* Before other threads are started. On a stack that overflowed the signal ends the process without the line. */
static inline void system_tell_of_faults(void)
{
    struct sigaction action = {0};
    action.sa_handler = system_end_by;
    action.sa_flags = (int)(SA_RESETHAND | SA_NODEFER | SA_ONSTACK);
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof system_faults / sizeof *system_faults; i++) {
        sigaction(system_faults[i].number, &action, NULL);
    }
}

#endif
