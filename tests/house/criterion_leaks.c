/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Part of each sanitized Criterion program: Criterion 2.4.1 itself loses 48 bytes now and then, in the process that
 * waits for tests with a time limit. What the code under test loses is told as ever. Weak: a test
 * whose libraries lose memory as well has its own list.
 */
const char *__lsan_default_suppressions(void);

__attribute__((weak)) const char *__lsan_default_suppressions(void)
{
    return "leak:libcriterion.so\n";
}
