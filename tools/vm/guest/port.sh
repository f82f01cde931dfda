# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the kernel's XArray and its test on the kernel's own cache and on a pool. Run by tools/port/port.sh.

nebula=/sys/kernel/debug/nebula_memory

# port WHOSE: all tests pass, and figures come out.
port() {
	dmesg -c >/dev/null
	insmod "./port_$1.ko" || return 1
	rmmod "port_$1"
	dmesg | sed 's/^\[[^]]*\]\(\[[^]]*\]\)\{0,1\} //' >/tmp/port
	sed -n 's/^XArray: /figure '"$1"': /p; s/^.*port: /figure /p' /tmp/port
	awk '/^XArray: / { good = $2 == $4 && $2 > 1000 } END { exit !good }' /tmp/port
}

nothing_is_left() {
	cat "$nebula/errors" "$nebula/info"
	! grep -v BACKING_FAILED "$nebula/errors" | grep '^\[' && [ -z "$(ls "$nebula/allocators")" ]
}

step 'load nebula_memory' insmod ./nebula_memory.ko
step 'test_xarray.c on the kernel'"'"'s cache' port kernel
step 'test_xarray.c on a pool' port pool
step 'no node is left, nothing was refused' nothing_is_left
step 'unload nebula_memory' rmmod nebula_memory
