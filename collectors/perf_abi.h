/* SPDX-License-Identifier: BSD-2-Clause
 *
 * Numbers of the kernel's perf interface and of perf.data, our own list: the installed <linux/perf_event.h> may be
 * older than the machine that recorded, and lack some. Sources: include/uapi/linux/perf_event.h of Linux 6.18 and 7.0,
 * tools/perf/Documentation/perf.data-file-format.txt, tools/perf/util/event.h.
 */
#ifndef COLLECTORS_PERF_ABI_H
#define COLLECTORS_PERF_ABI_H

#include <stdint.h>

/* attr.type */
enum {
    ABI_TYPE_HARDWARE,
    ABI_TYPE_SOFTWARE,
    ABI_TYPE_TRACEPOINT,
    ABI_TYPE_HW_CACHE,
    ABI_TYPE_RAW,
    ABI_TYPE_BREAKPOINT
};

/* config of software events */
enum { ABI_SW_PAGE_FAULTS = 2, ABI_SW_PAGE_FAULTS_MIN = 5, ABI_SW_PAGE_FAULTS_MAJ = 6, ABI_SW_DUMMY = 9 };

/* attr.sample_type */
enum {
    ABI_IP = 1 << 0,
    ABI_TID = 1 << 1,
    ABI_TIME = 1 << 2,
    ABI_ADDR = 1 << 3,
    ABI_READ = 1 << 4,
    ABI_CALLCHAIN = 1 << 5,
    ABI_ID = 1 << 6,
    ABI_CPU = 1 << 7,
    ABI_PERIOD = 1 << 8,
    ABI_STREAM_ID = 1 << 9,
    ABI_RAW = 1 << 10,
    ABI_BRANCH_STACK = 1 << 11,
    ABI_REGS_USER = 1 << 12,
    ABI_STACK_USER = 1 << 13,
    ABI_WEIGHT = 1 << 14,
    ABI_DATA_SRC = 1 << 15,
    ABI_IDENTIFIER = 1 << 16,
    ABI_TRANSACTION = 1 << 17,
    ABI_REGS_INTR = 1 << 18,
    ABI_PHYS_ADDR = 1 << 19,
    ABI_AUX = 1 << 20,
    ABI_CGROUP = 1 << 21,
    ABI_DATA_PAGE_SIZE = 1 << 22,
    ABI_CODE_PAGE_SIZE = 1 << 23,
    ABI_WEIGHT_STRUCT = 1 << 24,
};

/* attr.read_format */
enum { ABI_READ_ENABLED = 1, ABI_READ_RUNNING = 2, ABI_READ_ID = 4, ABI_READ_GROUP = 8, ABI_READ_LOST = 16 };

/* attr.branch_sample_type */
enum { ABI_BRANCH_HW_INDEX = 1 << 17, ABI_BRANCH_COUNTERS = 1 << 19 };

/* Bits of the word of flags that follows read_format in the attribute. */
enum { ABI_FLAG_FREQ = 1 << 10, ABI_FLAG_SAMPLE_ID_ALL = 1 << 18, ABI_FLAG_USE_CLOCKID = 1 << 25 };

/* Byte offsets in struct perf_event_attr; a field beyond attr.size is 0. */
enum {
    ABI_ATTR_TYPE = 0,
    ABI_ATTR_SIZE = 4,
    ABI_ATTR_CONFIG = 8,
    ABI_ATTR_PERIOD = 16,
    ABI_ATTR_SAMPLE_TYPE = 24,
    ABI_ATTR_READ_FORMAT = 32,
    ABI_ATTR_FLAGS = 40,
    ABI_ATTR_CONFIG1 = 56,
    ABI_ATTR_CONFIG2 = 64,
    ABI_ATTR_BRANCH = 72,
    ABI_ATTR_REGS_USER = 80,
    ABI_ATTR_CLOCKID = 92,
    ABI_ATTR_REGS_INTR = 96,
    ABI_ATTR_SIZE_LEAST = 64,
    ABI_ATTR_SIZE_MOST = 4096,
};

/* Records: the kernel's, then those that user tools add. */
enum {
    ABI_RECORD_MMAP = 1,
    ABI_RECORD_LOST = 2,
    ABI_RECORD_COMM = 3,
    ABI_RECORD_EXIT = 4,
    ABI_RECORD_THROTTLE = 5,
    ABI_RECORD_UNTHROTTLE = 6,
    ABI_RECORD_FORK = 7,
    ABI_RECORD_READ = 8,
    ABI_RECORD_SAMPLE = 9,
    ABI_RECORD_MMAP2 = 10,
    ABI_RECORD_AUX = 11,
    ABI_RECORD_ITRACE_START = 12,
    ABI_RECORD_LOST_SAMPLES = 13,
    ABI_RECORD_SWITCH = 14,
    ABI_RECORD_SWITCH_CPU_WIDE = 15,
    ABI_RECORD_USER = 64, /* the first that is not the kernel's */
    ABI_RECORD_ATTR = 64,
    ABI_RECORD_TRACING_DATA = 66,
    ABI_RECORD_FINISHED_ROUND = 68,
    ABI_RECORD_ID_INDEX = 69,
    ABI_RECORD_AUXTRACE_INFO = 70,
    ABI_RECORD_AUXTRACE = 71,
    ABI_RECORD_EVENT_UPDATE = 78,
    ABI_RECORD_TIME_CONV = 79,
    ABI_RECORD_FEATURE = 80,
    ABI_RECORD_COMPRESSED = 81,
    ABI_RECORD_FINISHED_INIT = 82,
    ABI_RECORD_COMPRESSED2 = 83,
};

/* misc of a record */
enum {
    ABI_MISC_MODE = 7, /* 1 kernel, 2 user, 3 hypervisor, 4 guest kernel, 5 guest user */
    ABI_MISC_KERNEL = 1,
    ABI_MISC_GUEST_KERNEL = 4,
    ABI_MISC_SWITCH_OUT = 1 << 13,
    ABI_MISC_BUILD_ID = 1 << 14,
    ABI_MISC_LOST_BY_BPF = 1 << 15
};

/* flags of an AUX record */
enum { ABI_AUX_TRUNCATED = 1, ABI_AUX_OVERWRITE = 2, ABI_AUX_PARTIAL = 4, ABI_AUX_COLLISION = 8 };

/* Features of a perf.data header. */
enum {
    ABI_FEATURE_HOSTNAME = 3,
    ABI_FEATURE_OSRELEASE = 4,
    ABI_FEATURE_VERSION = 5,
    ABI_FEATURE_ARCH = 6,
    ABI_FEATURE_NRCPUS = 7,
    ABI_FEATURE_CPUDESC = 8,
    ABI_FEATURE_CPUID = 9,
    ABI_FEATURE_CMDLINE = 11,
    ABI_FEATURE_EVENT_DESC = 12,
    ABI_FEATURE_NUMA_TOPOLOGY = 14,
    ABI_FEATURE_PMU_MAPPINGS = 16,
    ABI_FEATURE_SAMPLE_TIME = 21,
    ABI_FEATURE_MEM_TOPOLOGY = 22,
    ABI_FEATURE_CLOCKID = 23,
    ABI_FEATURE_COMPRESSED = 27,
    ABI_FEATURE_CLOCK_DATA = 29,
};

/* type of an EVENT_UPDATE record; perf passes over those it does not know, so ours from ABI_OWN on do no harm there
 * (perfdata_write.h) */
enum { ABI_UPDATE_UNIT, ABI_UPDATE_SCALE, ABI_UPDATE_NAME, ABI_UPDATE_CPUS };
#define ABI_OWN UINT64_C(0x6d626c6c00000000)

/* Every record begins with this; size includes it. */
struct abi_header {
    uint32_t type;
    uint16_t misc;
    uint16_t size;
};

#endif
