/* SPDX-License-Identifier: BSD-2-Clause
 *
 * A source that opens is not taken at its word: on a machine of our own making IBS opens and stays silent, as events do
 * in many virtual machines.
 */
#include "collectors/check.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/collectors/fake_perf.h"
#include "tests/collectors/tree.h"

static struct tree tree;

static void begin(void)
{
    static const char *const ibs[] = {"format/cnt_ctl", "config:19", "format/l3missonly", "config:16", NULL};
    tree_new(&tree);
    tree_unit(&tree, "ibs_op", "11", ibs);
    fake_begin();
}

static void end(void)
{
    fake_end();
    tree_free(&tree);
}

TestSuite(check, .init = begin, .fini = end);

static bool works(enum source_id id, struct attr_steps *why)
{
    const struct encode_options options = {.user_only = false};
    struct encode_machine machine = {.folder = tree.root, .pfm = ""};
    return check_source_on(&machine, &fake_perf_ops, id, &options, false, why);
}

Test(check, a_source_that_stays_silent_is_passed_over)
{
    struct attr_steps why = {""};
    cr_expect(!works(SOURCE_IBS, &why));
    cr_expect_gt(fake.n, 0, "it was opened");
    cr_expect_not_null(strstr(why.text, "ibs passed over: opens, but gives no samples"), "%s", why.text);
}

Test(check, a_source_that_is_not_there_is_passed_over_in_silence)
{
    struct attr_steps why = {""};
    cr_expect(!works(SOURCE_SPE, &why));
    cr_expect_eq(fake.n, 0);
    cr_expect_str_eq(why.text, "");
}
