/* SPDX-License-Identifier: BSD-2-Clause */
#include "reports/json.h"
#include "reports/result_monitor.h"

enum { PAGE = 4096 };

static int put(json_t *object, const char *name, json_t *value)
{
    return json_object_set_new(object, name, value);
}

static json_t *finish(json_t *value, int failed)
{
    if (failed)
        json_decref(value);
    return failed ? NULL : value;
}

static json_t *share(uint64_t part, uint64_t whole)
{
    return whole ? json_real((double)part / (double)whole) : json_null();
}

/* By kind; kinds that never came are left out. */
static json_t *exits(const struct result_monitor *m, uint32_t vm)
{
    json_t *o = json_object();
    int failed = !o;
    for (unsigned k = 0; !failed && k < RESULT_EXITS; k++)
        if (result_exits(m, vm, k))
            failed = put(o, result_exit_names[k], json_of_u64(result_exits(m, vm, k)));
    return finish(o, failed);
}

static json_t *vm(const struct result_monitor *m, uint32_t i)
{
    const struct result_vm *v = &m->vm[i];
    uint64_t seen = 0;
    json_t *o = json_object(), *accesses = json_array();
    int failed = !o || !accesses;
    for (uint32_t n = 0; !failed && n < m->nnodes; n++) {
        seen += v->accesses[n];
        failed = json_array_append_new(accesses, json_of_u64(v->accesses[n]));
    }
    failed = failed || put(o, "name", json_of_text(v->name)) | put(o, "end", json_of_text(v->end)) |
                           put(o, "why", json_of_text(v->why)) | put(o, "vcpus", json_of_u64(v->vcpus)) |
                           put(o, "memory_bytes", json_of_u64(v->memory_pages * PAGE)) |
                           put(o, "private_bytes", json_of_u64(v->private_pages * PAGE)) |
                           put(o, "shared_bytes", json_of_u64(v->shared_pages * PAGE)) |
                           put(o, "touches", json_of_u64(v->touches)) |
                           put(o, "copies_on_write", json_of_u64(v->copies_on_write)) |
                           put(o, "resets", json_of_u64(v->resets)) |
                           put(o, "local_share", share(v->local_accesses, seen)) |
                           put(o, "guest_ns", json_of_u64(result_guest_ns(m, i))) |
                           put(o, "monitor_ns", json_of_u64(result_monitor_ns(m, i))) | put(o, "exits", exits(m, i)) |
                           put(o, "accesses", json_incref(accesses));
    json_decref(accesses);
    return finish(o, failed);
}

static json_t *node(const struct result_set *set, const struct result_monitor *m, uint32_t n)
{
    const struct result_memory *memory = &m->node[n];
    json_t *o = json_object(), *latency = json_array();
    int failed = !o || !latency;
    for (uint32_t to = 0; !failed && to < m->nnodes; to++)
        failed = json_array_append_new(latency, json_real(set->machine.latency_ps[n * m->nnodes + to] / 1e3));
    failed = failed || put(o, "cpus", json_of_u64(set->machine.node_cpus[n])) |
                           put(o, "total_bytes", json_of_u64(memory->total_bytes)) |
                           put(o, "free_bytes", json_of_u64(memory->free_bytes)) |
                           put(o, "monitor_bytes", json_of_u64(memory->monitor_bytes)) |
                           put(o, "latency_ns", json_incref(latency));
    json_decref(latency);
    return finish(o, failed);
}

static json_t *disk(const struct result_disk *d)
{
    json_t *o = json_object();
    int failed = !o || put(o, "name", json_of_text(d->name)) | put(o, "persistent", json_boolean(d->persistent)) |
                           put(o, "drive_reads", json_of_u64(d->drive_reads)) |
                           put(o, "blocks", json_of_u64(d->drive_blocks)) | put(o, "hits", json_of_u64(d->hits)) |
                           put(o, "maps", json_of_u64(d->maps)) | put(o, "copies", json_of_u64(d->copies)) |
                           put(o, "private_blocks", json_of_u64(d->private_blocks)) |
                           put(o, "resident_bytes", json_of_u64(d->resident_blocks * PAGE));
    return finish(o, failed);
}

static int put_facts(json_t *o, const struct result_set *set, const struct result_monitor *m)
{
    return put(o, "end", json_of_text(m->end)) | put(o, "why", json_of_text(m->why)) |
           put(o, "config_digest", json_of_text(m->config_digest)) |
           put(o, "duration_ns", json_of_u64(m->duration_ns)) |
           put(o, "guest_ns", json_of_u64(result_guest_ns(m, RESULT_VMS))) |
           put(o, "memory_bytes", json_of_u64(m->memory_bytes)) |
           put(o, "monitor_bytes", json_of_u64(result_monitor_bytes(m))) |
           put(o, "harvest_ms", json_of_u64(m->harvest_ms)) | put(o, "weight", json_of_u64(m->weight)) |
           put(o, "around", json_of_u64(m->around)) | put(o, "harvests", json_of_u64(m->harvests)) |
           put(o, "shootdowns", json_of_u64(m->shootdowns)) | put(o, "kicks", json_of_u64(m->kicks)) |
           put(o, "shootdown_wait_ns", json_of_u64(m->shootdown_wait_ns)) |
           put(o, "nested_tables", json_of_u64(m->nested_tables)) | put(o, "switches", json_of_u64(m->switches)) |
           put(o, "vcpu_migrations", json_of_u64(m->vcpu_migrations)) | put(o, "idle_ns", json_of_u64(m->idle_ns)) |
           put(o, "tsc_khz", json_of_u64(m->tsc_khz)) | put(o, "host", json_of_text(set->trace.host)) |
           put(o, "cpus", json_of_u64(set->trace.cpus)) | put(o, "machine", json_of_text(set->machine.summary)) |
           put(o, "lost_frames", json_of_u64(m->lost_frames)) | put(o, "exits", exits(m, RESULT_VMS));
}

json_t *json_of_monitor(const struct result_set *set)
{
    if (!result_of_monitor(set))
        return json_null();
    const struct result_monitor *m = set->runs[0].monitor;
    json_t *o = json_object(), *vms = json_array(), *nodes = json_array(), *disks = json_array();
    int failed = !o || !vms || !nodes || !disks || put_facts(o, set, m);
    for (uint32_t i = 0; !failed && i < m->nvms; i++)
        failed = json_array_append_new(vms, vm(m, i));
    for (uint32_t i = 0; !failed && i < m->nnodes; i++)
        failed = json_array_append_new(nodes, node(set, m, i));
    for (uint32_t i = 0; !failed && i < m->ndisks; i++)
        failed = json_array_append_new(disks, disk(&m->disk[i]));
    failed = failed || put(o, "vms", json_incref(vms)) | put(o, "nodes", json_incref(nodes)) |
                           put(o, "disks", json_incref(disks));
    json_decref(vms);
    json_decref(nodes);
    json_decref(disks);
    return finish(o, failed);
}
