# shellcheck shell=dash
# SPDX-License-Identifier: GPL-2.0-only
# Runs the KUnit suites and leaves what they executed in /out, which run.sh takes out of the guest.
# Run by tools/coverage/coverage.sh on the gcov kernel.

counts=/sys/kernel/debug/gcov

copy_counts() {
	(cd "$counts" && find . -name '*.gcda') >/tmp/counts || return 1
	while IFS= read -r file; do
		mkdir -p "/out/${file%/*}" && cat "$counts/$file" >"/out/$file" || return 1
	done </tmp/counts
	wc -l </tmp/counts
}

. ./kunit.sh
step 'copy the counts to the host' copy_counts
