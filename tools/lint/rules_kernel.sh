# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Rules of the kernel's own checkers, and those that we add for C. Sourced by lint.sh.

# c_files: the C sources of the tree.
c_files() {
	find module include kunit tools -name '*.[ch]' | sort
}

# checkpatch_exceptions FILE: what to ignore in FILE, as checkpatch's argument.
checkpatch_exceptions() {
	awk -v file="${1##*/}" '$1 == file { printf "%s%s", comma, $2; comma = "," }' \
		tools/lint/checkpatch.exceptions
}

checkpatch_one() {
	perl "$SOURCE/scripts/checkpatch.pl" --no-tree --strict --terse --show-types --no-summary \
		--ignore "$(checkpatch_exceptions "$1")" -f "$1"
}

checkpatch_is_silent() {
	local file running=0 bad=0
	while IFS= read -r file; do
		checkpatch_one "$file" &
		running=$((running + 1))
		[ "$running" -lt "$(nproc)" ] || { wait -n || bad=1; running=$((running - 1)); }
	done < <(c_files)
	while [ "$running" -gt 0 ]; do
		wait -n || bad=1
		running=$((running - 1))
	done
	return "$bad"
}

kernel_doc_is_complete() {
	local files
	mapfile -t files < <(find include/nebula module -name '*.[ch]' | sort)
	"$SOURCE/scripts/kernel-doc" -none -Werror "${files[@]}"
}

# without_comments FILE: with its line numbers kept.
without_comments() {
	gcc -fpreprocessed -dD -E -w -x c "$1" 2>/dev/null | awk '
		/^# [0-9]+ "/ { line = $2 - 1; next }
		{ printf "%d: %s\n", ++line, $0 }'
}

# absent PATTERN FILES...: fails naming each place outside comments where PATTERN matches.
absent() {
	local pattern=$1 file found=0
	shift
	for file in "$@"; do
		without_comments "$file" | grep -E "$pattern" | sed "s|^|$file:|" && found=1
	done
	return "$found"
}

no_bug_no_warn() {
	local files
	mapfile -t files < <(find module include -name '*.[ch]')
	absent '(^|[^A-Za-z0-9_])(BUG|BUG_ON|VM_BUG_ON[A-Z_]*|WARN|WARN_ON|WARN_ONCE|WARN_ON_ONCE|WARN_TAINT[A-Z_]*|VM_WARN[A-Z_]*)[[:space:]]*\(' "${files[@]}"
}

# A task that queues an irq_work with preemption on may be preempted once it is marked as queued and
# not in a queue yet; then nothing that others queue comes before that task runs again.
kicks_are_one_step() {
	local files
	mapfile -t files < <(find module include -name '*.[ch]' ! -path module/core/context.h)
	absent '(^|[^A-Za-z0-9_])irq_work_queue(_on)?[[:space:]]*\(' "${files[@]}"
}

versions_in_compat_only() {
	local files
	mapfile -t files < <(c_files | grep -v '/compat\.h$')
	absent 'LINUX_VERSIO[N]|KERNEL_VERSIO[N]' "${files[@]}"
}

# No test fails because a suite is not in the object list, so this rule does.
sources_are_built() {
	local file missing=0
	for file in module/*.c module/*/*.c kunit/*.c kunit/*/*.c; do
		grep -qF "${file%.c}.o" Kbuild || { echo "$file is not in Kbuild" && missing=1; }
	done
	return "$missing"
}

files_are_short() {
	c_files | xargs wc -l | awk '$2 != "total" && $1 > 800 { print; long = 1 } END { exit long }'
}
