/* SPDX-License-Identifier: BSD-2-Clause */
/* Never compiled: sizes.py must see this function, and its length. */
int violations_are_found(int x)
{
    x += 1;
    x += 2;
    return x;
}
