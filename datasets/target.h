/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Where an output goes. Files are written beside their place and renamed to it when they are whole; the place is not
 * always what was typed, and not everything may be renamed over.
 */
#ifndef DATASETS_TARGET_H
#define DATASETS_TARGET_H

/* The file to be replaced, or to be made: `path`, or what a symbolic link there leads to, also while that is not there
 * yet, so that the link stays. To be freed. Null with errno: ENOENT, the path is empty; EISDIR, a folder; ENOTSUP, a
 * device, a pipe, or a file without a name (/dev/stdout may lead to one that was removed): renaming would replace the
 * device or the link itself; ELOOP, links in a circle; ENOMEM. */
char *target_of(const char *path);

#endif
