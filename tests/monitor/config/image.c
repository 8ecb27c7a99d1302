/* SPDX-License-Identifier: BSD-2-Clause */
#include "tests/monitor/config/image.h"

#include <string.h>

#include "tests/monitor/devices/fake.h"

void image_make(unsigned char *image)
{
    memset(image, 0xee, IMAGE_SIZE);
    memset(image + 0x1f1, 0, 0x264 - 0x1f1);
    image[0x1f1] = IMAGE_SECTS;
    fake_put(image + 0x1f4, 4, 0x80);       /* syssize */
    fake_put(image + 0x1fe, 2, 0xaa55);     /* boot_flag */
    fake_put(image + 0x200, 2, 0x66eb);     /* jump: the header ends at 0x202 + 0x66 */
    memcpy(image + 0x202, "HdrS", 4);       /* header */
    fake_put(image + 0x206, 2, 0x020f);     /* version */
    image[0x211] = 0x81;                    /* loadflags: high, heap */
    fake_put(image + 0x214, 4, 0x100000);   /* code32_start */
    fake_put(image + 0x22c, 4, 0x7fffffff); /* initrd_addr_max */
    fake_put(image + 0x230, 4, 0x200000);   /* kernel_alignment */
    image[0x234] = 1;                       /* relocatable */
    fake_put(image + 0x236, 2, 0x0001);     /* xloadflags: 64-bit entry */
    fake_put(image + 0x238, 4, 255);        /* cmdline_size */
    fake_put(image + 0x250, 8, 0x12345678); /* setup_data: must not survive */
    fake_put(image + 0x258, 8, 0x1000000);  /* pref_address */
    fake_put(image + 0x260, 4, 0x100000);   /* init_size */
    fake_put(image + 0x264, 4, 0xabcd);     /* handover_offset */
    for (unsigned i = 0; i < 2048; i++)
        image[512 * (IMAGE_SECTS + 1) + i] = (unsigned char)(i * 7 + 3);
}
