/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/import_unpack.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

enum { ZSTD_WINDOW_LOG_MAX = 27, RAW_DEFLATE = -15, GZIP = 16 + 15 };

struct import_unpack {
    enum { UNPACK_ZSTD, UNPACK_GZIP, UNPACK_ZIP, UNPACK_OTHER } kind;
    bool open; /* within a frame */
    bool inflating;
    ZSTD_DStream *zstd;
    z_stream inflate;
    struct import_zip zip;
};

static const struct {
    const char *magic;
    size_t n;
    int kind;
    const char *why;
} packings[] = {
    {"\x28\xb5\x2f\xfd", 4, UNPACK_ZSTD, NULL},
    {"\x1f\x8b", 2, UNPACK_GZIP, NULL},
    {"PK\3\4", 4, UNPACK_ZIP, NULL},
    {"PK\5\6", 4, UNPACK_OTHER, "is a zip archive without a member"},
    {"\x04\x22\x4d\x18", 4, UNPACK_OTHER, "is packed with lz4; unpack it with 'lz4 -d' and import the result"},
    {"\xfd"
     "7zXZ",
     5, UNPACK_OTHER, "is packed with xz; unpack it with 'xz -dk' and import the result"},
    {"BZh", 3, UNPACK_OTHER, "is packed with bzip2; unpack it with 'bzip2 -dk' and import the result"},
    {"\xff\6\0\0sNaPpY", 10, UNPACK_OTHER, "is packed with snappy; unpack it and import the result"},
};

static int prepare(struct import_unpack *u)
{
    if (u->kind == UNPACK_ZSTD) {
        u->zstd = ZSTD_createDStream();
        bool good = u->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX));
        return good ? 0 : -ENOMEM;
    }
    u->inflating = inflateInit2(&u->inflate, u->kind == UNPACK_ZIP ? RAW_DEFLATE : GZIP) == Z_OK;
    import_zip_begin(&u->zip, &u->inflate);
    return u->inflating ? 0 : -ENOMEM;
}

int import_unpack_begin(const unsigned char *bytes, size_t n, struct import_unpack **out, const char **why)
{
    size_t i = 0, kinds = sizeof packings / sizeof packings[0];
    *out = NULL;
    while (i < kinds && (n < packings[i].n || memcmp(bytes, packings[i].magic, packings[i].n) != 0))
        i++;
    if (i == kinds)
        return 0;
    *why = packings[i].why;
    if (*why)
        return -ENOTSUP;
    struct import_unpack *u = calloc(1, sizeof *u);
    *why = "out of memory to unpack it";
    if (!u)
        return -ENOMEM;
    u->kind = packings[i].kind;
    u->open = true;
    int err = prepare(u);
    if (err)
        import_unpack_end(u);
    else
        *out = u;
    return err;
}

void import_unpack_end(struct import_unpack *u)
{
    if (!u)
        return;
    ZSTD_freeDStream(u->zstd);
    if (u->inflating)
        inflateEnd(&u->inflate);
    free(u);
}

static int zstd_more(struct import_unpack *u, struct import_unpack_step *s, const char **why)
{
    ZSTD_inBuffer from = {s->in, s->in_n, s->in_at};
    ZSTD_outBuffer to = {s->out, s->out_room, s->out_n};
    size_t left = ZSTD_decompressStream(u->zstd, &to, &from);
    s->in_at = from.pos;
    s->out_n = to.pos;
    u->open = left != 0;
    *why = "zstd: the file is damaged, or its window is over 128 MiB";
    return ZSTD_isError(left) ? -EINVAL : 0;
}

/* Behind one gzip stream another may begin; zeros are padding. */
static int gzip_next(struct import_unpack *u, struct import_unpack_step *s)
{
    while (s->in_at < s->in_n && !s->in[s->in_at])
        s->in_at++;
    if (s->in_at == s->in_n)
        return 0;
    u->open = true;
    return inflateReset(&u->inflate) == Z_OK ? 0 : -EINVAL;
}

static int gzip_more(struct import_unpack *u, struct import_unpack_step *s, const char **why)
{
    int err = u->open ? 0 : gzip_next(u, s);
    *why = "gzip: the file is damaged";
    if (err || !u->open)
        return err;
    u->inflate.next_in = s->in + s->in_at;
    u->inflate.avail_in = (unsigned)(s->in_n - s->in_at);
    u->inflate.next_out = s->out + s->out_n;
    u->inflate.avail_out = (unsigned)(s->out_room - s->out_n);
    int result = inflate(&u->inflate, Z_NO_FLUSH);
    s->in_at = s->in_n - u->inflate.avail_in;
    s->out_n = s->out_room - u->inflate.avail_out;
    u->open = result != Z_STREAM_END;
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR ? 0 : -EINVAL;
}

int import_unpack_more(struct import_unpack *u, struct import_unpack_step *s, const char **why)
{
    if (u->kind == UNPACK_ZSTD)
        return zstd_more(u, s, why);
    return u->kind == UNPACK_GZIP ? gzip_more(u, s, why) : import_zip_more(&u->zip, s, why);
}

const char *import_unpack_name(const struct import_unpack *u)
{
    static const char *const names[] = {[UNPACK_ZSTD] = "zstd", [UNPACK_GZIP] = "gzip", [UNPACK_ZIP] = "zip"};
    return names[u->kind];
}

bool import_unpack_whole(const struct import_unpack *u)
{
    return u->kind == UNPACK_ZIP ? u->zip.state == ZIP_END : !u->open;
}
