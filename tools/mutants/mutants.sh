#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Breaks the sources in many ways, one at a time, and counts what the tests notice. Called by
# `make mutants`:
#
#   tools/mutants/mutants.sh [--number N] [--seed S] [--minutes M] [--quick] [--fresh] [--table] [ID...]
#
# Each mutant is built in a copy of the tree. What the litmus tests say of the code is compared with
# it, then the suites of the mutated folder run on UML, and if all of that passes, all suites, and the
# modules that come and go. The first failure ends the run. A mutant that does not compile is not
# counted. With --quick only the suites of the folder run: what they do not notice is "doubtful", and
# left for a later run. --table shows the results that there are.
#
# Results are kept in build/mutants/results.tsv: a killed mutant until its file changes, a survivor
# until a test changes, too. So the run can be stopped at any time, or after M minutes, and be taken
# up again. Survivors that have been looked at stand with their reason in survivors.txt; others are
# failures.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$here/../vm/kernels.sh"

readonly TREE=$REPO/build/mutants/uml
readonly RESULTS=$REPO/build/mutants/results.tsv
readonly LIST=$REPO/build/mutants/list.tsv
readonly KNOWN=$here/survivors.txt

# What can be expected of a guest that runs all suites, with a margin for a busy machine, and how long
# it may print nothing. Seconds.
readonly GUEST_LIMIT=600 SILENCE_LIMIT=90

# The suites that are most likely to notice a change in a folder come first.
mutants_first_suites() {
	case $1 in
	module/pool/* | include/nebula/pool.h | include/nebula/bulk.h | include/nebula/reserve.h) echo 'nebula_pool*' ;;
	module/stack/* | include/nebula/stack.h) echo 'nebula_stack*' ;;
	module/scratch/* | include/nebula/scratch.h) echo 'nebula_scratch*' ;;
	module/budget/* | include/nebula/budget*.h) echo 'nebula_budget*' ;;
	module/cache/* | include/nebula/cache.h) echo 'nebula_cache*' ;;
	module/bump/* | include/nebula/bump.h) echo 'nebula_[bcgst][uhrl]*' ;;
	module/compose/* | include/nebula/[cgst][oecy][mnp][pe]*.h) echo 'nebula_[cst][oucy][mspo]*' ;;
	module/error/*) echo 'nebula_[aenqr]*' ;;
	module/debugfs/*) echo 'nebula_[lrv]*' ;;
	module/core/*) echo 'nebula_[cdfgirtmv]*' ;;
	esac
}

# mutants_digest PATH...: what the contents of these files and folders are.
mutants_digest() {
	(cd "$REPO" && find "$@" -type f | LC_ALL=C sort | xargs sha256sum) | sha256sum | cut -c1-12
}

# mutants_known_result ID PATH: the verdict of an earlier run that still holds, or nothing.
mutants_known_result() {
	awk -F '\t' -v id="$1" -v file="$(mutants_digest "$2")" -v tests="$tests" '
		$1 == id && $2 == file && ($4 == "killed" || $4 == "invalid" || $3 == tests) { verdict = $4 }
		END { print verdict == "doubtful" && !quick ? "" : verdict }
	' quick="$quick" "$RESULTS"
}

# What a run of the guest showed so far: the first failure, or nothing.
mutants_first_failure() {
	grep -aoE -m 1 '^\[[^]]*\] (\[nebula\] FAIL .*| *not ok [0-9]+ [A-Za-z_0-9]+|(BUG|Oops|UBSAN|Kernel panic|WARNING|INFO|rcu: INFO)[: ].{0,60})' \
		"$1" 2>/dev/null | sed 's/^[^]]*\] *//' ||
		true
}

# mutants_guest GLOB [GUEST]: runs the suites that GLOB names, or all, or another guest. The reason why it
# failed, or nothing.
mutants_guest() {
	local log=$LOGS/mutant.log append='' runner status=0 why='' size=0 since=$SECONDS
	[ -z "$1" ] || append="kunit.filter_glob=$1"
	: >"$log"
	setsid "$REPO/tools/vm/run.sh" uml "${2:-kunit.sh}" --modules "$TREE" --log mutant --timeout "$GUEST_LIMIT" \
		--append "$append" >"$LOGS/mutant-run.log" 2>&1 </dev/null &
	runner=$!
	while kill -0 "$runner" 2>/dev/null; do
		why=$(mutants_first_failure "$log")
		if [ "$(stat -c %s "$log")" != "$size" ]; then
			size=$(stat -c %s "$log") since=$SECONDS
		elif [ $((SECONDS - since)) -ge "$SILENCE_LIMIT" ]; then
			why='the guest hangs'
		fi
		# The steps behind the suites count only when all suites ran.
		case $1:$why in
		?*:'[nebula] FAIL'*) why='' && sleep 1 ;;
		*:?*) break ;;
		*) sleep 1 ;;
		esac
	done
	[ -z "$why" ] || kill -TERM -- "-$runner" 2>/dev/null || true
	wait "$runner" || status=$?
	if [ -z "$why" ] && ! grep -aqE '\[nebula\] verdict: ' "$log"; then
		why='the guest did not come to its end'
	elif [ -z "$why" ] && [ -z "$1" ] && [ "$status" -ne 0 ]; then
		why=$(tail -n 1 "$LOGS/mutant-run.log")
	fi
	echo "$why"
}

mutants_build() {
	kernel_make "$TREE" modules >"$LOGS/mutant-build.log" 2>&1
}

# mutants_try ID PATH: sets verdict and reason.
mutants_try() {
	local glob
	python3 "$here/mutate.py" apply "$TREE" "$1"
	verdict=killed reason=''
	if ! mutants_build; then
		verdict=invalid reason='does not compile'
	elif ! reason=$("$REPO/tools/litmus/code.sh" "$TREE"); then
		reason="litmus: $(tail -n 1 <<<"$reason")"
	else
		glob=$(mutants_first_suites "$2")
		reason=''
		[ -z "$glob" ] || reason=$(mutants_guest "$glob")
		[ -n "$reason" ] || [ -n "$quick" ] || reason=$(mutants_guest '')
		[ -n "$reason" ] || [ -n "$quick" ] || reason=$(mutants_guest '' unload.sh)
		[ -n "$reason" ] || verdict=${quick:-survived}
	fi
	python3 "$here/mutate.py" restore "$TREE" "$1"
}

# A line for each way, and the score.
mutants_table() {
	awk -F '\t' -v results="$RESULTS" '
		BEGIN { while ((getline line < results) > 0) { split(line, f, "\t"); verdict[f[1]] = f[4] } }
		{
			way = $2; drawn[way]++
			if (verdict[$1]) n[way, verdict[$1]]++
		}
		function row(way, d, k, s, q, i) {
			printf "%-12s %7d %7d %7d %9d %9d %8d", way, d, d - k - s - q - i, k, s, q, i
			if (k + s + q) printf " %7.1f%%", 100 * k / (k + s + q)
			printf "\n"
		}
		END {
			printf "%-12s %7s %7s %7s %9s %9s %8s %8s\n", "way", "drawn", "to do", "killed", "survived", "doubtful", "invalid", "score"
			for (way in drawn) {
				row(way, drawn[way], n[way, "killed"], n[way, "survived"], n[way, "doubtful"], n[way, "invalid"])
				d += drawn[way]; k += n[way, "killed"]; s += n[way, "survived"]
				q += n[way, "doubtful"]; i += n[way, "invalid"]
			}
			row("all", d, k, s, q, i)
		}
	' "$LIST"
}

# Survivors without a reason in survivors.txt, and reasons of what is killed by now.
mutants_compare() {
	local id path line function text was now verdict why
	killed=0 explained=0 unexplained=0
	while IFS=$'\t' read -r id _ path line function text was now; do
		verdict=$(awk -F '\t' -v id="$id" '$1 == id { v = $4 } END { print v }' "$RESULTS")
		why=$(awk -v id="$id" '$1 == id { $1 = ""; print substr($0, 2) }' "$KNOWN")
		case $verdict:$why in
		killed:*) killed=$((killed + 1)) ;;
		survived:?* | doubtful:?*) explained=$((explained + 1)) ;;
		survived: | doubtful:)
			unexplained=$((unexplained + 1))
			printf '  %s %s %s:%s %s(): %s -> %s\n           in: %s\n' \
				"$verdict" "$id" "$path" "$line" "$function" "$was" "$now" "$text"
			;;
		esac
		[ "$verdict:$why" = "killed:" ] || [ "$verdict" != killed ] ||
			echo "  $id is killed by now: take it out of ${KNOWN#"$REPO/"}"
	done <"$LIST"
}

main() {
	local number=160 seed=1 minutes=0 begin=$SECONDS only='' quick='' table='' id path line function text was now verdict reason tests
	while [ $# -gt 0 ]; do
		case $1 in
		--number) number=$2 && shift ;;
		--seed) seed=$2 && shift ;;
		--minutes) minutes=$2 && shift ;;
		--quick) quick=doubtful ;;
		--table) table=only ;;
		--fresh) rm -f "$RESULTS" ;;
		-*) progress_fail 'usage: see the head of tools/mutants/mutants.sh' ;;
		*) only="$only $1" ;;
		esac
		shift
	done
	if [ -z "$table" ]; then
		"$REPO/tools/vm/prepare.sh" uml
		kernel_open uml
	fi
	mkdir -p "$LOGS" "${RESULTS%/*}"
	touch "$RESULTS"
	# Else it would be each mutant's fault.
	"$REPO/tools/litmus/code.sh" || progress_fail 'the litmus tests do not say what the code is: mend that first'
	python3 "$here/mutate.py" list "$seed" "$number" >"$LIST"
	tests=$(mutants_digest kunit)
	[ -n "$table" ] || "$REPO/tools/vm/build.sh" uml --into "$TREE"
	while IFS=$'\t' read -r -u 3 id _ path line function text was now; do
		if [ -n "$only" ]; then
			case $only in *"$id"*) ;; *) continue ;; esac
		fi
		[ -z "$(mutants_known_result "$id" "$path")" ] || continue
		if [ "$minutes" -gt 0 ] && [ $((SECONDS - begin)) -ge $((60 * minutes)) ]; then
			echo "  stopped after $minutes minutes: run it again to go on"
			break
		fi
		[ -z "$table" ] || continue
		line_begin=$SECONDS
		mutants_try "$id" "$path"
		printf '%s\t%s\t%s\t%s\t%d\t%s\n' "$id" "$(mutants_digest "$path")" "$tests" "$verdict" \
			$((SECONDS - line_begin)) "$reason" >>"$RESULTS"
		printf '  %-8s %-10s %-46s %4d s  %s\n' "$verdict" "$id" "$path $function()" \
			$((SECONDS - line_begin)) "$reason"
	done 3<"$LIST"
	mutants_table | tee "${RESULTS%/*}/table.txt"
	mutants_compare
	printf '%d passed, %d failed, %d skipped\n' "$killed" "$unexplained" "$explained"
	[ "$unexplained" -eq 0 ]
}

main "$@"
