#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Writes what the last `make bench` found into tools/bench/README.md, with its charts beside it, and the rows
# that people ask for first into README.md; in both between the lines that begin with MARK. Called by
# `make bench-docs`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$here/../vm/kernels.sh"
# shellcheck source=tools/vm/packages.sh
. "$here/../vm/packages.sh"
# shellcheck source=tools/bench/charts.sh
. "$here/charts.sh"

readonly JSON=$REPO/build/bench.json
readonly MARK='<!-- bench: '

# docs_table PARTS: as a block that is shown as it stands.
docs_table() {
	printf '```\n'
	awk -v parts="$1" -v brief=1 -f "$here/json.awk" -f "$here/show.awk" "$JSON"
	printf '```\n'
}

docs_chart() {
	printf '![%s](charts/%s.svg)\n\n' "$2" "$1"
}

docs_section() {
	cat <<-'EOF'
		`make bench` prints all of this, and more; it takes a few minutes. `make bench HOST=1` measures in the kernel
		that runs, `make bench-compare OLD=bench.json` says what a change made slower or faster.
		The first run makes a root directory of Debian's newest suite, in which the module is built for that
		suite's kernel: a few minutes, and 700 MB in `~/.cache/nebula-memory`. It takes root, or sudo without a
		password; without it `make bench` says so and leaves that kernel out.

	EOF
	docs_table about
	echo
	docs_chart operations 'Instructions of an operation: ours and the kernel'"'"'s'
	docs_table ours
	printf '\nThe counters of nebula_memory cannot be switched off, so what they cost is shown by a cursor and a per-CPU array\n'
	printf 'written by hand, with a counter and without:\n\n'
	docs_table peers
	printf '\nWith objects of other sizes, of bulks and copies of many sizes, and with the debug flags:\n\n'
	docs_chart sizes 'Instructions by size'
	docs_table 'size bulk copy debugging'
	printf '\nEach of a million operations by itself, without growth, with interrupts off:\n\n'
	docs_chart worst 'Median, 99.9% and worst of a million operations'
	docs_table singles
	printf '\nTwo CPUs, and bytes beside an object where there are 1000 of it:\n\n'
	docs_chart scaling 'Two CPUs over one'
	docs_table 'scaling memory'
	printf '\nPools, where 127 more CPUs may come:\n\n'
	docs_table possible
	printf '\nCycles, see [cycles/](cycles/): the rows, what is cold, two CPUs, and copies with the registers saved and restored:\n\n'
	docs_table cycles
	printf '\n<details><summary>Nanoseconds, in User Mode Linux</summary>\n\n'
	docs_table native
	printf '\n</details>\n'
}

docs_front() {
	awk -f "$here/json.awk" -f "$here/front.awk" "$JSON"
}

# docs_write FILE SECTION: between the two marks in FILE, what the function SECTION prints.
docs_write() {
	local section
	[ "$(grep -c "^$MARK" "$1")" -eq 2 ] || progress_fail "$1 has no two lines that begin with '$MARK'"
	section=$(mktemp)
	"$2" >"$section"
	awk -v mark="$MARK" -v section="$section" '
		index($0, mark) == 1 && ++marks == 1 {
			print
			while ((getline text < section) > 0)
				print text
		}
		marks != 1
	' "$1" >"$section.readme"
	cat "$section.readme" >"$1"
	rm -f "$section" "$section.readme"
}

main() {
	[ -e "$JSON" ] || progress_fail 'there are no figures: run make bench'
	packages_ensure bench
	charts_draw "$JSON" "$here/charts"
	docs_write "$here/README.md" docs_section
	docs_write "$REPO/README.md" docs_front
	echo 'README.md, tools/bench/README.md and its charts have the figures of build/bench.json'
}

main "$@"
