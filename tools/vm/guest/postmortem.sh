# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=dash
# Allocators at work, an error of each kind, and a crash: what tools/nebulactl/postmortem/test.sh has QEMU write to a
# file. The end of this guest is the crash.

nebula=/sys/kernel/debug/nebula_memory
demo=/sys/kernel/debug/nebula_demo

# sections MODULE: where its sections are.
sections() {
	(cd "/sys/module/$1/sections" && for name in .text .text.unlikely .data .bss .rodata; do
		[ ! -e "$name" ] || echo "$name $(cat "$name")"
	done) >"/tmp/sections.$1"
	nebula_give "/tmp/sections.$1"
}

work() {
	for peer in $(seq 1 120); do
		echo "open $peer" >"$demo/connections" || return 1
	done
	for peer in $(seq 1 3 120); do
		echo "close $peer" >"$demo/connections" || return 1
	done
	echo exhaust >"$demo/provoke" && echo close-twice >"$demo/provoke" && echo free-middle >"$demo/provoke" &&
		cat "$nebula/summary" "$nebula/allocators/conn/live"
}

step 'load nebula_memory' insmod ./nebula_memory.ko
step 'load nebula_demo, its client' insmod ./nebula_demo.ko debug=1
step 'work, and mistakes' work
step 'where the modules are' sections nebula_memory
step 'where its client is' sections nebula_demo
nebula_say 'crash'
echo c >/proc/sysrq-trigger
