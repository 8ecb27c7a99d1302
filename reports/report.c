/* SPDX-License-Identifier: BSD-2-Clause
 *
 * The page is made when the program is built (reports/report/embed.cmake), but for its data, which goes where the build
 * cut it in two.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "reports/publish.h"
#include "reports/report_data.h"
#include "reports/show.h"

extern const unsigned char report_head[], report_tail[];
extern const size_t report_head_size, report_tail_size;

/* Inside a script element only "<" can end it or open a comment; JSON has other ways to write it. */
static void write_escaped(FILE *f, const char *json)
{
    for (; *json; json++)
        if (*json == '<' || *json == '>' || *json == '&')
            fprintf(f, "\\u%04x", (unsigned)*json);
        else
            fputc(*json, f);
}

static int assemble(FILE *f, const struct result_set *sets, uint32_t nsets)
{
    json_t *data = report_data(sets, nsets);
    char *text = data ? json_dumps(data, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(9)) : NULL;
    if (text) {
        fwrite(report_head, 1, report_head_size, f);
        write_escaped(f, text);
        fwrite(report_tail, 1, report_tail_size, f);
    }
    json_decref(data);
    free(text);
    return text ? 0 : -ENOMEM;
}

int report_write(const char *path, const struct result_set *sets, uint32_t nsets, struct trace_error *why)
{
    char *page = NULL;
    size_t size = 0;
    FILE *f = open_memstream(&page, &size);
    int error = f ? assemble(f, sets, nsets) : -ENOMEM;
    if (f && fclose(f) != 0)
        error = -ENOMEM;
    if (error)
        snprintf(why->text, sizeof why->text, "%.300s: no memory for the report", path);
    else
        error = publish(path, page, size, why);
    free(page);
    return error;
}
