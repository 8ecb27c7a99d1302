/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "monitor-core/launch/config_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was refused has a reason in one line, what was taken holds together. */
static void check(const struct config_text *t, int err, const struct config_error *e)
{
    if (err && (err != ERR_INVAL || !e->what || !*e->what || memchr(e->word, 0, sizeof e->word) == NULL))
        abort();
    const struct config *c = &t->config;
    if (err)
        return;
    if (!c->policy || c->nvms > CONFIG_VMS || c->ndisks > CONFIG_DISKS || c->weight & (c->weight - 1))
        abort();
    for (uint32_t i = 0; i < c->nvms; i++) {
        const struct config_text_vm *vm = &t->vm[i];
        if (!memchr(vm->cmdline, 0, sizeof vm->cmdline) || !memchr(vm->kernel, 0, CONFIG_NAME) || !vm->vcpus)
            abort();
        for (uint32_t k = 0; k < vm->ndisks; k++)
            if (vm->disk[k] >= c->ndisks)
                abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct config_text text;
    struct config_error error;
    check(&text, config_text_parse(&text, (const char *)data, size, false, &error), &error);
    return 0;
}
