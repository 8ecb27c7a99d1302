#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=dash
# /init of the guests whose misses are captured. make=NAME on the kernel's command line says what to run; the guest's own
# scheduler places it.
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
    for i in 1 2 3 4; do
        vvp -n /job/design.vvp +seed=$i >/dev/null &
        valgrind.bin --tool=cachegrind --cachegrind-out-file=/tmp/cg.$i -q busybox gzip -c /job/text >/tmp/gz.$i &
    done
    wait
    ;;
database)
    mark start
    /job/database /job/image
    ;;
raytrace)
    cd /tmp || exit
    mark start
    povray +I/job/scene.pov +W96 +H96 +WT8 -D +O/tmp/image.png >/dev/null 2>&1
    ;;
esac
mark end
echo "guest: $what: done"
busybox poweroff -f
