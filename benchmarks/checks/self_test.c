/* Prints every version of every kernel with the result of its known-answer test; status 1 when one fails.
 * Small and without Swift, so that it also runs on emulated processors: see benchmarks/other-processors. */
#include "CKernels.h"

#include <stdio.h>

int main(void)
{
    kernel_self_test_row rows[64];
    const size_t count = kernel_self_test(rows, 64);
    int failed = kernel_environment_refused();
    for (size_t i = 0; i < count; i++) {
        const char *result = !rows[i].available ? "not on this machine" : rows[i].passed ? "passed" : "FAILED";
        printf("%-12s %-14s %s%s\n", rows[i].kernel, rows[i].version, result, rows[i].selected ? ", in use" : "");
        failed |= rows[i].available && !rows[i].passed;
    }
    return failed;
}
