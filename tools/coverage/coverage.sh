#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What the KUnit suites execute of module/: lines and branches by file, in one table. Called by
# `make coverage`; runs on User Mode Linux with the kernel's gcov.
#
#   tools/coverage/coverage.sh [--lines FILE]
#
# With --lines the lines of a file that were never executed are printed instead, from the last run.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$here/../vm/kernels.sh"

readonly TREE=$REPO/build/gcov
readonly OUT=$REPO/build/coverage

# What is asked for of all lines of module/, in percent.
readonly LINES_WANTED=95

coverage_run() {
	"$REPO/tools/vm/prepare.sh" gcov
	"$REPO/tools/vm/build.sh" gcov GCOV_PROFILE=y NEBULA_WERROR= NEBULA_EXTRA=
	rm -rf "$OUT"
	"$REPO/tools/vm/run.sh" gcov coverage.sh --timeout 1800 --out "$OUT" -- \
		"$REPO/tools/vm/guest/kunit.sh"
}

# coverage_gcov OBJECT.gcda: what gcov says, with the notes that the compiler left in the tree.
coverage_gcov() {
	local notes=$TREE/${1#"$OUT$TREE/"}
	cp "$1" "${notes%/*}/"
	(cd "$TREE" && gcov --branch-probabilities --no-output --object-directory "${notes%/*}" "${notes%.gcda}.o") 2>/dev/null
}

coverage_table() {
	local file
	find "$OUT$TREE/module" -name '*.gcda' | LC_ALL=C sort | while IFS= read -r file; do
		coverage_gcov "$file"
	done | awk -v tree="$TREE/" -v wanted="$LINES_WANTED" '
		# Only the C file of each object: inline functions of headers are in many.
		/^File / {
			name = substr($0, 7, length($0) - 7)
			sub(tree, "", name)
			inside = name ~ /^module\/.*\.c$/
		}
		/^Function / { inside = 0 }
		inside && match($0, /^Lines executed:[0-9.]+% of [0-9]+/) {
			split(substr($0, 16), f, /% of /)
			lines[name] = f[2]; hit[name] = int(f[1] * f[2] / 100 + 0.5)
		}
		inside && match($0, /^Taken at least once:[0-9.]+% of [0-9]+/) {
			split(substr($0, 21), f, /% of /)
			branches[name] = f[2]; taken[name] = int(f[1] * f[2] / 100 + 0.5)
		}
		function row(name, l, h, b, t) {
			printf "  %-34s %6d %7.1f%% %9d %7.1f%%\n", name, l, l ? 100 * h / l : 0, b, b ? 100 * t / b : 0
		}
		END {
			printf "  %-34s %6s %8s %9s %8s\n", "file", "lines", "executed", "branches", "taken"
			for (name in lines)
				order[++n] = name
			for (i = 2; i <= n; i++)
				for (j = i; j > 1 && order[j] < order[j - 1]; j--) {
					swap = order[j]; order[j] = order[j - 1]; order[j - 1] = swap
				}
			for (i = 1; i <= n; i++) {
				name = order[i]
				row(name, lines[name], hit[name], branches[name], taken[name])
				l += lines[name]; h += hit[name]; b += branches[name]; t += taken[name]
			}
			row("all", l, h, b, t)
			good = l && 100 * h >= wanted * l
			if (!good)
				printf "  fewer than %d%% of the lines are executed\n", wanted
			printf "%d passed, %d failed\n", good, !good
			exit !good
		}
	'
}

# coverage_lines FILE: what was never executed of it.
coverage_lines() {
	local notes=$TREE/${1%.c}
	[ -e "$OUT$notes.gcda" ] || progress_fail "no counts of $1: run make coverage first"
	cp "$OUT$notes.gcda" "${notes%/*}/"
	(cd "$TREE" && gcov --stdout --object-directory "${notes%/*}" "$notes.o") | awk -v file="$1" '
		$0 ~ "0:Source:" { inside = index($0, file) }
		inside && /^ *#####:/
	'
}

main() {
	if [ "${1:-}" = --lines ]; then
		coverage_lines "${2:?which file?}"
		return
	fi
	command -v gcov >/dev/null || progress_fail 'there is no gcov; it comes with gcc'
	mkdir -p "$LOGS"
	coverage_run
	coverage_table | tee "$OUT/table.txt"
}

main "$@"
