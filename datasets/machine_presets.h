/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The files of datasets/machines as bytes in the program, made by machine_embed.cmake. Both arrays end with a null
 * name.
 */
#ifndef DATASETS_MACHINE_PRESETS_H
#define DATASETS_MACHINE_PRESETS_H

#include <stddef.h>

struct machine_preset {
    const char *name, *text;
    size_t size;
};

extern const struct machine_preset machine_preset_table[];
extern const char *const machine_preset_names[];

#endif
