#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The tests of the kernel's own pools on ours: test_objpool.c, dmapool_test.c and page_frag_test.c out
# of the kernel's source, unmodified, each compiled twice: as it is, and with a header of this folder
# that makes what it tests of a nebula_pool. Called by check-full.sh; runs on the debug kernel.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
for part in kernels packages archive source; do
	# shellcheck source=/dev/null # each is checked by itself
	. "$here/../vm/$part.sh"
done

readonly PEERS=$REPO/build/peers

# header here, file in the kernel's source
readonly PEERS_TABLE='
objpool    lib/test_objpool.c
dmapool    mm/dmapool_test.c
page_frag  tools/testing/selftests/mm/page_frag/page_frag_test.c
'

# peers_lay_out SOURCE: two modules of each test: peer_NAME on ours, kernel_NAME on the kernel's.
peers_lay_out() {
	local name file
	rm -rf "$PEERS"
	mkdir -p "$PEERS"
	cp "$here"/*.h "$PEERS/"
	while read -r name file; do
		[ -n "$name" ] || continue
		[ -e "$1/$file" ] || progress_fail "the kernel's source has no $file"
		cp "$1/$file" "$PEERS/peer_$name.c"
		cp "$1/$file" "$PEERS/kernel_$name.c"
		echo "obj-m += peer_$name.o kernel_$name.o"
		echo "CFLAGS_peer_$name.o := -I$REPO/include -include $PEERS/$name.h"
	done <<<"$PEERS_TABLE" >"$PEERS/Kbuild"
}

main() {
	local status=0
	mkdir -p "$LOGS"
	"$REPO/tools/vm/prepare.sh" debug
	"$REPO/tools/vm/build.sh" debug
	source_prepare
	kernel_open debug
	peers_lay_out "$(source_find)"
	progress_run 'build the tests of the kernel on ours' "$LOGS/build-peers.log" \
		kernel_make "$PEERS" KBUILD_EXTRA_SYMBOLS="$REPO/build/debug/Module.symvers" modules
	"$REPO/tools/vm/run.sh" debug peers.sh --timeout 1500 -- "$PEERS"/*.ko >"$LOGS/peers.log" || status=$?
	sed -n 's/.*\[nebula\] | figure /  /p' "$LOGS/debug-peers.log" | tr -d '\r'
	cat "$LOGS/peers.log"
	return "$status"
}

main "$@"
