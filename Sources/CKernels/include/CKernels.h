/* The contract of the kernels: plain arrays and bytes, no allocation unless said, no pointer kept after return.
 * Each kernel has a plain version beside it, which the tests compare with. */
#ifndef CKERNELS_H
#define CKERNELS_H

#include "kernel_pgcopy.h"
#include "kernel_validity.h"

#endif
