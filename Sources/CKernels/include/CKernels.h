/* The contract of the kernels: plain arrays and bytes, no allocation unless said, no pointer kept after return.
 * Each kernel has a plain version beside it, which the tests compare with. */
#ifndef CKERNELS_H
#define CKERNELS_H

#include "kernel_clean.h"
#include "kernel_dates.h"
#include "kernel_cipher.h"
#include "kernel_dispatch.h"
#include "kernel_encode.h"
#include "kernel_export.h"
#include "kernel_ff1.h"
#include "kernel_format.h"
#include "kernel_hash.h"
#include "kernel_luhn.h"
#include "kernel_mask.h"
#include "kernel_number_text.h"
#include "kernel_parquet_bounds.h"
#include "kernel_parquet_dictionary.h"
#include "kernel_parquet_levels.h"
#include "kernel_parquet_read.h"
#include "kernel_parquet_values.h"
#include "kernel_pattern.h"
#include "kernel_csv.h"
#include "kernel_siv.h"
#include "kernel_redact.h"
#include "kernel_token.h"
#include "kernel_pgcopy.h"
#include "kernel_pgcopy_encode.h"
#include "kernel_validity.h"

#endif
