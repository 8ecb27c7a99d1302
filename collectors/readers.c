/* SPDX-License-Identifier: BSD-2-Clause */
#include "collectors/readers.h"

#include <string.h>

#include "collectors/readers_drmemtrace.h"

int readers_perfdata(void *context, struct import_input *in, struct import_sink *sink, struct trace_error *error)
{
    struct readers *r = context;
    struct trace_error why;
    r->samples = true;
    int err = to_trace_perfdata(in, sink, &r->options, &r->counts, &r->facts, &why);
    const char *path = import_input_path(in);
    bool named = !strncmp(why.text, path, strlen(path));
    return err ? trace_fail(error, -err, "%s%s%s", named ? "" : path, named ? "" : ": ", why.text) : 0;
}

const struct import_reader readers_list[] = {
    {"perf", perfdata_looks, readers_perfdata, NULL},
    {"view", readers_view_looks, readers_view, NULL},
    {"script", readers_script_looks, readers_script, NULL},
    {"mitos", readers_mitos_looks, readers_mitos, NULL},
    {"drmemtrace", readers_drmemtrace_looks, readers_drmemtrace, readers_drmemtrace_folder},
    {NULL, NULL, NULL, NULL},
};
