/* SPDX-License-Identifier: BSD-2-Clause */
#include "datasets/import_zip.h"

#include <errno.h>
#include <string.h>

enum { MEMBER = 0x04034b50, DESCRIPTOR = 0x08074b50, STORED = 0, DEFLATED = 8, ENCRYPTED = 1, LATE_SIZES = 8 };
enum { SHORT_DESCRIPTOR = 12, LONG_DESCRIPTOR = 20 };

static uint32_t u16_at(const unsigned char *at)
{
    return at[0] | (uint32_t)at[1] << 8;
}

static uint32_t u32_at(const unsigned char *at)
{
    return u16_at(at) | u16_at(at + 2) << 16;
}

void import_zip_begin(struct import_zip *z, z_stream *inflate)
{
    *z = (struct import_zip){.inflate = inflate};
}

/* Up to n bytes of a head, which may come in pieces. True when they are all there. */
static bool gather(struct import_zip *z, struct import_unpack_step *s, size_t n)
{
    size_t left = s->in_n - s->in_at, wanted = n > z->got ? n - z->got : 0;
    if (wanted > left)
        wanted = left;
    memcpy(z->head + z->got, s->in + s->in_at, wanted);
    s->in_at += wanted;
    z->got += wanted;
    return z->got >= n;
}

static int member(struct import_zip *z, const char **why)
{
    uint32_t flags = u16_at(z->head + 6);
    z->method = (uint16_t)u16_at(z->head + 8);
    z->crc_wanted = u32_at(z->head + 14);
    z->descriptor = flags & LATE_SIZES;
    z->packed = u32_at(z->head + 18);
    z->left = u16_at(z->head + 26) + u16_at(z->head + 28);
    z->state = ZIP_NAME;
    if (flags & ENCRYPTED)
        *why = "a member of the zip archive is encrypted";
    else if (z->method != STORED && z->method != DEFLATED)
        *why = "a member of the zip archive is packed by another method than deflate";
    else if (z->method == STORED && (z->descriptor || z->packed == UINT32_MAX))
        *why = "a member of the zip archive is stored without its size";
    else
        return 0;
    return -EINVAL;
}

/* Whatever follows the members (central directory, its end) is of no use here. */
static int header(struct import_zip *z, struct import_unpack_step *s, const char **why)
{
    if (!gather(z, s, 4))
        return 0;
    if (u32_at(z->head) != MEMBER) {
        bool other = z->head[0] == 'P' && z->head[1] == 'K';
        *why = "damaged: no member of a zip archive begins where one should";
        z->state = ZIP_END;
        return other ? 0 : -EINVAL;
    }
    return gather(z, s, ZIP_HEAD) ? member(z, why) : 0;
}

static void skip_name(struct import_zip *z, struct import_unpack_step *s)
{
    size_t n = s->in_n - s->in_at;
    n = n > z->left ? (size_t)z->left : n;
    s->in_at += n;
    z->left -= n;
    if (z->left)
        return;
    z->state = ZIP_DATA;
    z->left = z->packed;
    z->packed = z->unpacked = z->crc = 0;
    inflateReset(z->inflate);
}

/* The member's data are at their end. */
static int close_member(struct import_zip *z, const char **why)
{
    z->state = z->descriptor ? ZIP_DESCRIPTOR : ZIP_HEADER;
    z->got = 0;
    *why = "damaged: a member of the zip archive has another checksum";
    return z->descriptor || z->crc == z->crc_wanted ? 0 : -EINVAL;
}

static int inflate_some(struct import_zip *z, struct import_unpack_step *s, bool *end)
{
    z_stream *f = z->inflate;
    f->next_in = s->in + s->in_at;
    f->avail_in = (unsigned)(s->in_n - s->in_at);
    f->next_out = s->out + s->out_n;
    f->avail_out = (unsigned)(s->out_room - s->out_n);
    int result = inflate(f, Z_NO_FLUSH);
    size_t taken = s->in_n - s->in_at - f->avail_in;
    s->in_at += taken;
    z->packed += taken;
    s->out_n = s->out_room - f->avail_out;
    *end = result == Z_STREAM_END;
    return result == Z_OK || result == Z_STREAM_END || result == Z_BUF_ERROR ? 0 : -EINVAL;
}

static void copy_some(struct import_zip *z, struct import_unpack_step *s, bool *end)
{
    size_t n = s->in_n - s->in_at, room = s->out_room - s->out_n;
    n = n > room ? room : n;
    n = n > z->left ? (size_t)z->left : n;
    memcpy(s->out + s->out_n, s->in + s->in_at, n);
    s->in_at += n;
    s->out_n += n;
    z->left -= n;
    *end = !z->left;
}

static int data(struct import_zip *z, struct import_unpack_step *s, const char **why)
{
    size_t before = s->out_n;
    bool end;
    int err = 0;
    *why = "damaged: a member of the zip archive cannot be unpacked";
    if (z->method == DEFLATED)
        err = inflate_some(z, s, &end);
    else
        copy_some(z, s, &end);
    z->crc = (uint32_t)crc32(z->crc, s->out + before, (unsigned)(s->out_n - before));
    z->unpacked += s->out_n - before;
    return err ? err : end ? close_member(z, why) : 0;
}

/* Checksum and two sizes, of four bytes or (zip64) of eight each; a signature before them is customary. */
static int descriptor(struct import_zip *z, struct import_unpack_step *s, const char **why)
{
    if (!gather(z, s, 4))
        return 0;
    size_t at = u32_at(z->head) == DESCRIPTOR ? 4 : 0;
    if (!gather(z, s, at + SHORT_DESCRIPTOR))
        return 0;
    bool small = u32_at(z->head + at + 4) == (uint32_t)z->packed && u32_at(z->head + at + 8) == (uint32_t)z->unpacked;
    if (!small && !gather(z, s, at + LONG_DESCRIPTOR))
        return 0;
    z->got = 0;
    z->state = ZIP_HEADER;
    *why = "damaged: a member of the zip archive has another checksum";
    return u32_at(z->head + at) == z->crc ? 0 : -EINVAL;
}

/* One state's turn. */
static int turn(struct import_zip *z, struct import_unpack_step *s, const char **why)
{
    switch (z->state) {
    case ZIP_HEADER:
        return header(z, s, why);
    case ZIP_NAME:
        skip_name(z, s);
        return 0;
    case ZIP_DATA:
        return data(z, s, why);
    case ZIP_DESCRIPTOR:
        return descriptor(z, s, why);
    default:
        s->in_at = s->in_n;
        return 0;
    }
}

int import_zip_more(struct import_zip *z, struct import_unpack_step *s, const char **why)
{
    int err = 0;
    bool moved;
    do {
        size_t in = s->in_at, out = s->out_n;
        int state = (int)z->state;
        err = turn(z, s, why);
        moved = s->in_at != in || s->out_n != out || (int)z->state != state;
    } while (!err && moved && s->out_n < s->out_room);
    return err;
}
