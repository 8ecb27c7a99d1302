/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A first try in a child process, of reading that a hostile file may turn into a crash, a loop or an exhaustion of
 * memory inside a library: HDF5's older formats carry no checksums, and checksums can be forged.
 */
#ifndef DATASETS_GUARD_H
#define DATASETS_GUARD_H

#include <stdbool.h>
#include <stdint.h>

/* Does `work` come to its end? A child process tries it, in at most 4 GiB more memory than this process has and 3 s of
 * CPU time, plus 1 s per 16 MiB of the `bytes` to be read; what it writes to stdout and stderr is lost. Then the caller
 * does the same work itself, from the same state of the process. True also where no child can be had. Not while another
 * thread is inside the library. */
bool guard(void (*work)(void *), void *context, uint64_t bytes);

#endif
