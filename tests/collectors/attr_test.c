/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Asking for less: a kernel of our own making that refuses this or that, with the errno of the real one.
 */
#include "collectors/attr.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "collectors/perf_abi.h"

enum { LEADER_CONFIG = 0x8203 };

/* What this kernel does not know, and what this user may not. */
static struct kernel {
    uint64_t unknown_fields, denied_fields, unknown_reads;
    uint64_t denied_config;
    unsigned most_precise;
    bool no_precise_at_all, kernel_denied, no_clock, wants_leader;
    int always;
    int open_fds, opens, leader_fd;
} kernel;

static int refuse(const struct perf_event_attr *a, int group)
{
    if (kernel.always)
        return kernel.always;
    if (kernel.wants_leader && a->config != LEADER_CONFIG && (group < 0 || group != kernel.leader_fd))
        return -ENODATA;
    if (a->sample_type & kernel.unknown_fields || a->read_format & kernel.unknown_reads)
        return -EINVAL;
    if ((a->sample_type & ABI_WEIGHT) && (a->sample_type & ABI_WEIGHT_STRUCT))
        return -EINVAL;
    if (a->use_clockid && kernel.no_clock)
        return -EINVAL;
    if (a->precise_ip > kernel.most_precise)
        return kernel.no_precise_at_all ? -EOPNOTSUPP : -EINVAL;
    if (a->sample_type & kernel.denied_fields || a->config & kernel.denied_config)
        return -EACCES;
    return !a->exclude_kernel && kernel.kernel_denied ? -EACCES : 0;
}

static int fake_open(void *context, const struct perf_event_attr *a, pid_t pid, int cpu, int group)
{
    cr_assert_null(context);
    cr_assert_eq(pid, 42);
    cr_assert_eq(cpu, 3);
    kernel.opens++;
    int err = refuse(a, group);
    if (err)
        return err;
    kernel.open_fds++;
    if (a->config == LEADER_CONFIG)
        kernel.leader_fd = 100 + kernel.opens;
    return 100 + kernel.opens;
}

static void fake_close(void *context, int fd)
{
    (void)context;
    cr_assert_gt(fd, 100);
    kernel.open_fds--;
}

static const struct perf_ops ops = {.open = fake_open, .close = fake_close};

static const struct encode_event loads = {
    .name = "cpu/mem-loads/", .code = {4, {0x1cd, 30}}, .period = 2003, .precise = 3};
static const struct attr_wish wish = {.kernel = true, .physical = true, .ring_bytes = 65536};

static void begin(void)
{
    kernel = (struct kernel){.most_precise = 3};
}

static struct perf_event_attr attr;
static struct attr_steps steps;

static int settle(const struct encode_event *e)
{
    steps.text[0] = 0;
    attr_sampling(e, true, &wish, &attr);
    int err = attr_settle(&ops, e, &attr, 42, 3, &steps);
    cr_expect_eq(kernel.open_fds, 0, "an event stayed open");
    return err;
}

TestSuite(attr, .init = begin);

Test(attr, a_kernel_that_knows_everything_gets_everything)
{
    cr_assert_eq(settle(&loads), 0);
    cr_expect_eq(attr.sample_type, ABI_IDENTIFIER | ABI_IP | ABI_TID | ABI_TIME | ABI_ADDR | ABI_CPU | ABI_PERIOD |
                                       ABI_DATA_SRC | ABI_WEIGHT_STRUCT | ABI_DATA_PAGE_SIZE | ABI_PHYS_ADDR);
    cr_expect_eq(attr.read_format, ABI_READ_ID | ABI_READ_LOST);
    cr_expect_eq(attr.precise_ip, 3);
    cr_expect_eq(attr.sample_period, 2003);
    cr_expect_eq(attr.clockid, 1);
    cr_expect(attr.use_clockid && attr.sample_id_all && attr.disabled && attr.watermark && !attr.exclude_kernel);
    cr_expect_eq(attr.wakeup_watermark, 16384);
    cr_expect_str_empty(steps.text);
    cr_expect_eq(kernel.opens, 1);
}

/* Each alone: what is given up is what the kernel does not know, though others were suspected before it. */
Test(attr, only_the_reason_is_given_up)
{
    static const struct {
        struct kernel kernel;
        uint64_t lost_fields, lost_reads;
        const char *step;
    } cases[] = {
        {{.unknown_fields = ABI_WEIGHT_STRUCT, .most_precise = 3}, ABI_WEIGHT_STRUCT, 0, "one weight"},
        {{.unknown_fields = ABI_DATA_PAGE_SIZE, .most_precise = 3}, ABI_DATA_PAGE_SIZE, 0, "no page sizes"},
        {{.unknown_fields = ABI_PHYS_ADDR, .most_precise = 3}, ABI_PHYS_ADDR, 0, "no physical addresses"},
        {{.denied_fields = ABI_PHYS_ADDR, .most_precise = 3}, ABI_PHYS_ADDR, 0, "(Permission denied)"},
        {{.unknown_reads = ABI_READ_LOST, .most_precise = 3}, 0, ABI_READ_LOST, "no count of lost"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct perf_event_attr full;
        kernel = cases[i].kernel;
        attr_sampling(&loads, true, &wish, &full);
        cr_assert_eq(settle(&loads), 0);
        cr_expect_eq(attr.sample_type & ~(uint64_t)ABI_WEIGHT, full.sample_type & ~cases[i].lost_fields, "case %zu", i);
        cr_expect_eq(!!(attr.sample_type & ABI_WEIGHT), cases[i].lost_fields == ABI_WEIGHT_STRUCT);
        cr_expect_eq(attr.read_format, full.read_format & ~cases[i].lost_reads, "case %zu", i);
        cr_expect_eq(attr.precise_ip, 3);
        cr_expect(attr.use_clockid && !attr.exclude_kernel);
        cr_expect_not_null(strstr(steps.text, cases[i].step), "case %zu: %s", i, steps.text);
        cr_expect_eq(strchr(steps.text, '\n')[1], 0, "one step only: %s", steps.text);
    }
}

Test(attr, precision_is_lowered_as_far_as_needed)
{
    kernel.most_precise = 1;
    cr_assert_eq(settle(&loads), 0);
    cr_expect_eq(attr.precise_ip, 1);
    cr_expect(attr.sample_type & ABI_WEIGHT_STRUCT && attr.use_clockid);
    kernel.most_precise = 2;
    cr_assert_eq(settle(&loads), 0);
    cr_expect_eq(attr.precise_ip, 2);
    cr_expect_not_null(strstr(steps.text, "less precise"));
    kernel.most_precise = 0;
    kernel.no_precise_at_all = true;
    cr_expect_eq(settle(&loads), -EOPNOTSUPP);
}

Test(attr, without_rights_the_kernel_goes_last)
{
    kernel.denied_fields = ABI_PHYS_ADDR;
    kernel.kernel_denied = true;
    cr_assert_eq(settle(&loads), 0);
    cr_expect(attr.exclude_kernel);
    cr_expect(!(attr.sample_type & ABI_PHYS_ADDR));
    cr_expect_eq(attr.precise_ip, 3);
    cr_expect_not_null(strstr(steps.text, "not the kernel's (Permission denied)"));
}

Test(attr, an_old_kernel_loses_all_of_it)
{
    kernel.unknown_fields = ABI_WEIGHT_STRUCT | ABI_DATA_PAGE_SIZE | ABI_PHYS_ADDR;
    kernel.unknown_reads = ABI_READ_LOST;
    kernel.no_clock = true;
    kernel.most_precise = 2;
    cr_assert_eq(settle(&loads), 0);
    cr_expect_eq(attr.sample_type & (ABI_WEIGHT_STRUCT | ABI_DATA_PAGE_SIZE | ABI_PHYS_ADDR), 0);
    cr_expect(attr.sample_type & ABI_WEIGHT);
    cr_expect_eq(attr.read_format, ABI_READ_ID);
    cr_expect_eq(attr.precise_ip, 2);
    cr_expect(!attr.use_clockid);
}

/* Sapphire Rapids: loads alone are refused, behind mem-loads-aux they open. */
Test(attr, loads_behind_their_leader)
{
    struct encode_event e = loads;
    kernel.wants_leader = true;
    cr_expect_eq(settle(&e), -ENODATA);
    e.leader = LEADER_CONFIG;
    cr_assert_eq(settle(&e), 0);
    int leader, fd = attr_open(&ops, &e, &attr, 42, 3, &leader);
    cr_expect(fd > 0 && leader > 0 && fd != leader);
    cr_expect_eq(kernel.open_fds, 2);
}

/* IBS refuses every exclusion: without rights it cannot be opened at all, whatever is given up. */
Test(attr, ibs_never_excludes_the_kernel)
{
    struct encode_event e = {.name = "ibs_op//", .code = {.type = 11}, .period = 4096, .flags = ENCODE_KEEP_KERNEL};
    kernel.kernel_denied = true;
    cr_expect_eq(settle(&e), -EACCES);
    kernel.kernel_denied = false;
    cr_assert_eq(settle(&e), 0);
    cr_expect(!attr.exclude_kernel && !attr.exclude_guest && !attr.exclude_hv && !attr.exclude_idle);
}

Test(attr, spe_gives_up_physical_addresses_in_its_config)
{
    struct encode_event e = {
        .name = "arm_spe_0//", .code = {8, {3}}, .optional = 2, .period = 4096, .flags = ENCODE_AUX_AREA};
    kernel.denied_config = 2;
    cr_assert_eq(settle(&e), 0);
    cr_expect_eq(attr.config, 1);
    cr_expect(!(attr.sample_type & (ABI_ADDR | ABI_DATA_SRC)));
}

/* What no smaller wish can mend ends at once, with the kernel's own errno. */
Test(attr, hopeless_refusals)
{
    static const int errors[] = {-ENOENT, -ENODEV, -EMFILE, -EBUSY, -ENOSPC, -ESRCH, -ENOSYS};
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        begin();
        kernel.always = errors[i];
        cr_expect_eq(settle(&loads), errors[i]);
        cr_expect_eq(kernel.opens, 1);
        cr_expect_eq(attr.precise_ip, 3, "changed though nothing opened");
    }
}

Test(attr, steps_that_do_not_fit_are_left_out_whole)
{
    struct attr_steps full = {""};
    for (int i = 0; i < 100; i++)
        attr_step(&full, "%0100d", i);
    size_t n = strlen(full.text);
    cr_expect_eq(n % 101, 0);
    cr_expect_eq(n, 4095 / 101 * 101);
}
