#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=dash
# A guest's timers follow real time, which is far too fast for it: its scheduler would move programs from CPU to CPU after
# each few thousand instructions. So programs are pinned, as a scheduler with affinity would leave them.
#
# /init of the guests whose misses are captured: make=pmake, make=engineering or make=boot on the kernel's command line.
export PATH=/usr/bin:/bin LD_LIBRARY_PATH=/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t tmpfs tmpfs /tmp
what=$(busybox sed -n 's/.*make=\([a-z]*\).*/\1/p' /proc/cmdline)
case $what in
pmake)
    cd /job || exit
    mark start
    make -s -j4 all
    ;;
engineering)
    export VALGRIND_LIB=/usr/libexec/valgrind
    cd /tmp || exit
    mark start
    for i in 1 2 4 8; do
        taskset $i vvp -n /job/design.vvp +seed=$i >/dev/null &
        taskset $i valgrind.bin --tool=cachegrind --cachegrind-out-file=/tmp/cg.$i -q busybox gzip -c /job/text >/tmp/gz.$i &
    done
    wait
    ;;
esac
mark end
echo "guest: $what: done"
busybox poweroff -f
