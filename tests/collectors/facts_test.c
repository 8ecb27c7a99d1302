/* SPDX-License-Identifier: BSD-2-Clause
 *
 * What a recording says of its machine, written and read back: which memory lies on which node, which CPU on which;
 * the units. And the words for what the kernel refuses.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "collectors/cause.h"
#include "collectors/faults.h"
#include "collectors/host_facts.h"
#include "tests/collectors/tree.h"

#define NODES "devices/system/node/"

/* Two nodes with a hole between them, blocks of 128 MiB; node 2 has memory alone. */
static void describe(const struct tree *t)
{
    tree_file(t, "devices/system/memory/block_size_bytes", "8000000");
    tree_file(t, NODES "node0/cpulist", "0-1");
    tree_file(t, NODES "node0/meminfo", "Node 0 MemTotal:       262144 kB");
    tree_file(t, NODES "node0/memory0/state", "online");
    tree_file(t, NODES "node0/memory1/state", "online");
    tree_file(t, NODES "node0/memory_failure/x", "0");
    tree_file(t, NODES "node2/cpulist", "");
    tree_file(t, NODES "node2/meminfo", "Node 2 MemTotal:       131072 kB");
    tree_file(t, NODES "node2/memory70/state", "online");
    tree_file(t, NODES "possible", "0,2");
    tree_file(t, "bus/event_source/devices/ibs_op/type", "11");
}

static void read_back(const struct tree *t, const struct perfdata_buffer *b, struct perfdata **out,
                      struct import_input **in)
{
    char path[128];
    struct perfdata_item item;
    struct trace_error error;
    snprintf(path, sizeof path, "%s/facts.part", t->root);
    int fd = open(path, O_WRONLY | O_CREAT, 0600);
    cr_assert_eq(write(fd, b->bytes, b->n), (ssize_t)b->n);
    close(fd);
    cr_assert_eq(import_input_open(path, in, &error), 0, "%s", error.text);
    cr_assert_eq(perfdata_open(*in, out, &error), 0, "%s", error.text);
    while (perfdata_next(*out, &item, &error) > 0) {
    }
}

Test(facts, nodes_and_their_memory)
{
    struct tree tree;
    struct perfdata_buffer b = {0};
    struct perfdata *p;
    struct import_input *in;
    tree_new(&tree);
    describe(&tree);
    perfdata_begin(&b);
    host_facts(&b, tree.root);
    cr_assert_eq(b.failed, 0);
    read_back(&tree, &b, &p, &in);
    const struct perfdata_facts *f = perfdata_facts(p);
    cr_expect_eq(f->nodes, 3);
    cr_expect_eq(f->cpu_node[0], 0);
    cr_expect_eq(f->cpu_node[1], 0);
    cr_expect_eq(perfdata_node(f, 0), 0);
    cr_expect_eq(perfdata_node(f, 2 * 0x8000000 - 1), 0);
    cr_expect_eq(perfdata_node(f, 2 * 0x8000000), NODE_NONE);
    cr_expect_eq(perfdata_node(f, UINT64_C(70) * 0x8000000), 2);
    cr_expect_eq(perfdata_node(f, UINT64_C(71) * 0x8000000), NODE_NONE);
    cr_expect_not_null(strstr(f->release, "."));
    cr_expect_gt(f->wall_ns, UINT64_C(1600000000) * 1000000000);
    perfdata_close(p);
    import_input_close(in);
    perfdata_buffer_free(&b);
    tree_free(&tree);
}

Test(facts, a_machine_that_tells_nothing)
{
    struct tree tree;
    struct perfdata_buffer b = {0};
    struct perfdata *p;
    struct import_input *in;
    tree_new(&tree);
    perfdata_begin(&b);
    host_facts(&b, tree.root);
    cr_assert_eq(b.failed, 0);
    read_back(&tree, &b, &p, &in);
    cr_expect_eq(perfdata_facts(p)->nodes, 0);
    cr_expect_eq(perfdata_node(perfdata_facts(p), 0), NODE_NONE);
    perfdata_close(p);
    import_input_close(in);
    perfdata_buffer_free(&b);
    tree_free(&tree);
}

/* --- why, and what to do --- */

Test(facts, causes_and_their_remedies)
{
    static const struct {
        int err;
        struct cause_facts facts;
        const char *why, *fix;
    } cases[] = {
        {-EACCES, {.paranoid = 2}, "perf_event_paranoid is 2", "sysctl kernel.perf_event_paranoid"},
        {-EACCES, {.paranoid = 3}, "lacks CAP_PERFMON", "setcap cap_perfmon"},
        {-EACCES, {.paranoid = 2, .container = true}, "container", "on the host"},
        {-EPERM, {.paranoid = 2, .filtered = true}, "seccomp", "--cap-add PERFMON"},
        {-EPERM, {.paranoid = 2, .capable = true}, "security module", "dmesg"},
        {-ENOENT, {.guest = true}, "virtual machine", "virtual PMU"},
        {-ENOENT, {.guest = true, .units = true}, "no such event", ""},
        {-EOPNOTSUPP, {.units = true}, "no such event", ""},
        {-EMFILE, {.files = 1024}, "1024", "ulimit -n"},
        {-EBUSY, {.units = true}, "holds the counter", "nmi_watchdog"},
        {-ENODATA, {.units = true}, "mem-loads-aux", ""},
        {-ENOSYS, {.no_perf = true}, "perf_event_open", "CONFIG_PERF_EVENTS"},
        {-ENOMEM, {.units = true}, "Cannot allocate memory", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct cause c;
        cause_of(cases[i].err, &cases[i].facts, &c);
        cr_expect_not_null(strstr(c.why, cases[i].why), "case %zu: %s", i, c.why);
        cr_expect_not_null(strstr(c.fix, cases[i].fix), "case %zu: %s", i, c.fix);
    }
}

/* --- the tracepoint's description --- */

Test(facts, fields_of_the_page_fault_tracepoint)
{
    static const char format[] = "name: page_fault_user\nID: 190\nformat:\n"
                                 "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
                                 "\tfield:unsigned long address;\toffset:8;\tsize:8;\tsigned:0;\n"
                                 "\tfield:unsigned long ip;\toffset:16;\tsize:8;\tsigned:0;\n"
                                 "\tfield:unsigned long error_code;\toffset:24;\tsize:8;\tsigned:0;\n";
    struct faults_tracepoint t;
    cr_assert_eq(faults_parse("190\n", format, &t), 0);
    cr_expect(t.id == 190 && t.address == 8 && t.ip == 16 && t.error_code == 24);
    cr_expect_eq(faults_parse("x", format, &t), -EINVAL);
    cr_expect_eq(faults_parse("190", "field:unsigned long address;\toffset:8;", &t), -EINVAL);
    cr_expect_eq(faults_parse("190", "", &t), -EINVAL);
}

/* The cause and its remedy are not one for the other. */
Test(facts, what_is_in_the_way_and_what_to_do)
{
    struct cause c;
    faults_cause(-ENOENT, &c);
    cr_expect(strstr(c.why, "tracefs") == c.why, "%s", c.why);
    cr_expect(!strcmp(c.fix, geteuid() ? "sudo mount -t tracefs nodev /sys/kernel/tracing"
                                       : "start the container with --privileged, or use a kernel with CONFIG_FTRACE"),
              "%s", c.fix);
}
