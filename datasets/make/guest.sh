#!/bin/busybox sh
# SPDX-License-Identifier: BSD-2-Clause
# shellcheck shell=dash
# /init of the guests whose misses are captured. /job/run is what to run, make_traces.py says what that is; the guest's own
# scheduler places it.
export PATH=/usr/bin:/bin LD_LIBRARY_PATH=/lib/x86_64-linux-gnu:/usr/lib/x86_64-linux-gnu
busybox mount -t proc proc /proc
busybox mount -t sysfs sysfs /sys
busybox mount -t tmpfs tmpfs /tmp
cd /tmp || exit
mark start
# shellcheck source=/dev/null
. /job/run
mark end
echo "guest: done"
busybox poweroff -f
