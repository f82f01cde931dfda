#!/usr/bin/env bash
# Writes what the last `make bench` found into README.md, between the lines that begin with MARK, and its
# charts into tools/bench/charts/. Called by `make bench-docs`.
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
	printf '![%s](tools/bench/charts/%s.svg)\n\n' "$2" "$1"
}

docs_section() {
	cat <<-'EOF'
		`make bench` prints all of this, and more; it takes a few minutes. `make bench HOST=1` measures in the kernel
		that runs, `make bench-compare OLD=bench.json` says what a change made slower or faster.

	EOF
	docs_table about
	echo
	docs_chart operations 'Instructions of an operation: ours and the kernel'"'"'s'
	docs_table ours
	printf '\nThe counters of nebula_memory cannot be switched off, so what they cost is shown by a cursor and a per-CPU array\n'
	printf 'written by hand, with a counter and without:\n\n'
	docs_table peers
	printf '\nWith objects of other sizes, and with the debug flags:\n\n'
	docs_chart sizes 'Instructions by size'
	docs_table 'size debugging'
	printf '\nEach of a million operations by itself, without growth, with interrupts off:\n\n'
	docs_chart worst 'Median, 99.9% and worst of a million operations'
	docs_table singles
	printf '\nTwo CPUs, and bytes beside an object where there are 1000 of it:\n\n'
	docs_chart scaling 'Two CPUs over one'
	docs_table 'scaling memory'
	printf '\n<details><summary>Nanoseconds, in User Mode Linux</summary>\n\n'
	docs_table native
	printf '\n</details>\n'
}

main() {
	local section
	[ -e "$JSON" ] || progress_fail 'there are no figures: run make bench'
	[ "$(grep -c "^$MARK" "$REPO/README.md")" -eq 2 ] ||
		progress_fail "README.md has no two lines that begin with '$MARK'"
	packages_ensure bench
	charts_draw "$JSON" "$here/charts"
	section=$(mktemp)
	docs_section >"$section"
	awk -v mark="$MARK" -v section="$section" '
		index($0, mark) == 1 && ++marks == 1 {
			print
			while ((getline text < section) > 0)
				print text
		}
		marks != 1
	' "$REPO/README.md" >"$section.readme"
	cat "$section.readme" >"$REPO/README.md"
	rm -f "$section" "$section.readme"
	echo 'README.md and tools/bench/charts/ have the figures of build/bench.json'
}

main "$@"
