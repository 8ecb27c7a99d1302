/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/encode_model.h"

enum { MODELS = 16 }; /* most models of one row, a 0 behind them */

static const struct row {
    struct encode_model code;
    uint8_t models[MODELS];
} rows[] = {
    /* Nehalem, Westmere */
    {{0x100b, 0, 0}, {0x1a, 0x1e, 0x1f, 0x2e, 0x25, 0x2c, 0x2f}},
    /* Sandy Bridge, Ivy Bridge */
    {{0x01cd, 0x02cd, 0}, {0x2a, 0x2d, 0x3a, 0x3e}},
    /* Haswell, Broadwell */
    {{0x01cd, 0x82d0, 0}, {0x3c, 0x3f, 0x45, 0x46, 0x3d, 0x47, 0x4f, 0x56}},
    /* Skylake, Cascade Lake, Kaby Lake, Comet Lake, Cannon Lake, Ice Lake, Tiger Lake, Rocket Lake */
    {{0x01cd, 0x82d0, 0}, {0x4e, 0x5e, 0x55, 0x8e, 0x9e, 0xa5, 0xa6, 0x66, 0x7d, 0x7e, 0x6a, 0x6c, 0x8c, 0x8d, 0xa7}},
    /* Sapphire Rapids, Emerald Rapids; performance cores of Alder, Raptor and Meteor Lake */
    {{0x01cd, 0x02cd, 0x8203}, {0x8f, 0xcf, 0x97, 0x9a, 0xb7, 0xba, 0xbf, 0xaa, 0xac}},
    /* Granite Rapids */
    {{0x01cd, 0x02cd, 0}, {0xad, 0xae}},
    /* efficient cores alone: Alder Lake N, Sierra Forest */
    {{0x05d0, 0x06d0, 0}, {0xbe, 0xaf}},
};

static bool holds(const struct row *row, unsigned model)
{
    for (size_t i = 0; i < MODELS && row->models[i]; i++)
        if (row->models[i] == model)
            return true;
    return false;
}

const struct encode_model *encode_model(const struct encode_cpu *cpu)
{
    if (cpu->vendor != ENCODE_INTEL || cpu->family != 6)
        return NULL;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (holds(&rows[i], cpu->model))
            return &rows[i].code;
    return NULL;
}
