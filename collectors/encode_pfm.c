/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Apart from encode.c because libpfm4's header brings its own declaration of struct perf_event_attr.
 */
#include <errno.h>
#include <perfmon/pfmlib_perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "collectors/encode.h"

/* libpfm4 encodes events of processors that are not here only when its environment says so before it starts. It is not
 * set for good: other users of the library (PAPI) would take every processor for present. */
static int start(const char *pmu)
{
    static const char inactive[] = "LIBPFM_ENCODE_INACTIVE";
    if (pmu)
        setenv(inactive, "1", 1);
    int err = pfm_initialize();
    if (pmu)
        unsetenv(inactive);
    return err == PFM_SUCCESS ? 0 : -ENOENT;
}

/* STORE_SAMPLE of Sapphire Rapids and later: libpfm4 4.13 ors the umask 2 to a code that holds the umask 1 already.
 * The kernel's mem-stores is umask 2 alone. */
static void correct(const char *name, struct pmu_code *code)
{
    if (strstr(name, "MEM_TRANS_RETIRED:STORE_SAMPLE") && code->config[0] == 0x3cd)
        code->config[0] = 0x2cd;
}

int encode_pfm(const char *pmu, const char *name, struct pmu_code *code)
{
    struct perf_event_attr attr = {.size = sizeof attr};
    pfm_perf_encode_arg_t arg = {.attr = &attr, .size = sizeof arg};
    char full[128];
    if (snprintf(full, sizeof full, "%s%s%s", pmu ? pmu : "", pmu ? "::" : "", name) >= (int)sizeof full)
        return -ENOENT;
    if (start(pmu))
        return -ENOENT;
    int err = pfm_get_os_event_encoding(full, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT_EXT, &arg);
    pfm_terminate();
    if (err != PFM_SUCCESS)
        return -ENOENT;
    *code = (struct pmu_code){.type = attr.type, .config = {attr.config, attr.config1, attr.config2}};
    correct(name, code);
    return 0;
}
