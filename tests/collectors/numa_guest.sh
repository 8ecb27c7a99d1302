#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# The first and only program of the guest (numa_guest.py): records and moves a program whose pages start on the wrong
# node. Every line that the test looks for begins with "result:".
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /tmp
mount -t devtmpfs devtmpfs /dev
echo 0 > /proc/sys/kernel/printk
pages=2048

# $1: numa_maps of the region, as nodes and pages, while the program runs.
places()
{
    grep "^$(head -n 1 /tmp/out) " "/proc/$1/numa_maps" | tr ' ' '\n' | grep '^N[0-9]*=' | tr '\n' ' '
}

# Until enough pages are on node 3, or 40 s: an emulated machine may be slow.
await()
{
    for _ in $(seq 40); do
        sleep 1
        here=$(places "$1")
        there=$(echo "$here" | tr ' ' '\n' | sed -n 's/^N3=//p')
        [ "${there:-0}" -lt $((pages * 95 / 100)) ] || break
    done
}

watched()
{
    rm -f /tmp/go /tmp/out
    /bin/wrong_node 0 3 $pages 200 /tmp/go > /tmp/out 2>&1 &
    program=$!
    mirrorball live --source faults --policy migrate_only:trigger=1 -p $program "$@" > /tmp/live 2>&1 &
    live=$!
    until grep -q second /tmp/live; do sleep 1; done
    : > /tmp/go
    if [ $# -gt 0 ]; then await $program; else sleep 6; fi
    echo "result: places $* $(places $program)"
    kill -INT $live
    wait $live
    echo "result: live $* exit $?"
    rm /tmp/go
    wait $program
    echo "result: program $* exit $? $(tail -n 1 /tmp/out)"
    sed 's/^/live: /' /tmp/live
}

set -- /sys/devices/system/node/node*
echo "result: nodes $#"
set --
mirrorball probe | sed 's/^/probe: /'
echo "result: probe exit $?"
mirrorball record --source faults -o /tmp/faults.h5 -- /bin/wrong_node 0 3 $pages 1 > /tmp/out 2>&1
echo "result: record exit $? $(grep 'checksum' /tmp/out)"
sed 's/^/record: /' /tmp/out
mirrorball info --format json /tmp/faults.h5 | tr -d '\n' | sed 's/^/info: /'
echo
watched
watched --apply
echo "result: end"
sync
echo o > /proc/sysrq-trigger
sleep 60
