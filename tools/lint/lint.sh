#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Everything that can be said about the sources without running them. Called by `make lint` and
# check.sh. One line a rule; the rules are in rules_*.sh, and a rule passes when its function's
# status is 0 and is skipped when it is 77, the last line it prints being the reason.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
for part in kernels packages archive source; do
	# shellcheck source=/dev/null # each is checked by itself
	. "$here/../vm/$part.sh"
done
# shellcheck source=tools/lint/rules_build.sh
. "$here/rules_build.sh"
# shellcheck source=tools/lint/rules_abi.sh
. "$here/rules_abi.sh"
# shellcheck source=tools/lint/rules_context.sh
. "$here/rules_context.sh"
# shellcheck source=tools/lint/rules_floors.sh
. "$here/rules_floors.sh"
# shellcheck source=tools/lint/rules_kernel.sh
. "$here/rules_kernel.sh"
# shellcheck source=tools/lint/rules_oldest.sh
. "$here/rules_oldest.sh"
# shellcheck source=tools/lint/rules_order.sh
. "$here/rules_order.sh"
# shellcheck source=tools/lint/rules_refused.sh
. "$here/rules_refused.sh"
# shellcheck source=tools/lint/rules_text.sh
. "$here/rules_text.sh"

passed=0 failed=0 skipped=0

# rule TITLE FUNCTION [ARGS...]
rule() {
	local title=$1 log=$LOGS/lint-$((passed + failed + skipped + 1)).log begin=$SECONDS status
	shift
	# The function runs in a shell of its own, so that it stops at the first error and keeps its
	# directory and variables to itself.
	set +e
	(
		set -e
		cd "$REPO"
		"$@"
	) </dev/null >"$log" 2>&1
	status=$?
	set -e
	case $status in
	0)
		passed=$((passed + 1))
		printf '  ok   %-62s %4d s\n' "$title" $((SECONDS - begin))
		;;
	77)
		skipped=$((skipped + 1))
		printf '  skip %s: %s\n' "$title" "$(tail -n 1 "$log")"
		;;
	*)
		failed=$((failed + 1))
		printf '  FAIL %s\n' "$title"
		tail -n 30 "$log" | sed 's/^/       /'
		printf '       full log: %s\n' "$log"
		;;
	esac
}

lint_prepare() {
	local kernel
	for kernel in stock uml debug; do
		"$REPO/tools/vm/prepare.sh" "$kernel"
	done
	packages_ensure lint
	SOURCE=$(source_find)
	readonly SOURCE
}

main() {
	lint_prepare
	mkdir -p "$LOGS"
	rm -f "$LOGS"/lint-*.log
	for kernel in stock uml debug; do
		rule "no warning at W=1 on $kernel" build_without_warnings "$kernel"
		rule "each public header compiles alone on $kernel" headers_compile_alone "$kernel"
	done
	rule "no warning at W=1 on the oldest headers, $OLDEST_RELEASE" builds_on_oldest
	rule 'a kernel that will not do is told why' unfit_kernels_are_told
	rule 'what the module can do without is not needed' builds_without_options
	rule 'client code in the READMEs compiles on stock' readme_clients_compile
	rule 'wrong code does not compile, and says why' wrong_code_does_not_compile
	rule 'what clients compile in is pinned to NEBULA_ABI' abi_is_pinned
	rule 'sparse on stock' sparse_is_silent
	rule 'nothing that an NMI reaches takes a lock' nmi_takes_no_lock
	for compiler in gcc clang; do
		rule "inline paths keep their order as compiled by $compiler" order_is_kept "$compiler"
	done
	rule 'checkpatch --strict' checkpatch_is_silent
	rule 'kernel-doc is well-formed and complete' kernel_doc_is_complete
	rule 'no BUG() and no WARN()' no_bug_no_warn
	rule 'irq_work is queued by nebula_kick() only' kicks_are_one_step
	rule 'kernel versions in compat.h only' versions_in_compat_only
	rule 'includes go down the floors of module/' includes_go_down
	rule 'kunit/README.md says what the tests are' caught_is_up_to_date
	rule 'every source is built' sources_are_built
	rule 'no C file over 800 lines' files_are_short
	rule 'every file names its licence' files_name_licence
	rule 'one version everywhere' version_is_one
	rule 'the page of error codes is that of the table' error_pages_are_current
	rule 'links in the pages lead somewhere' links_lead_somewhere
	rule 'the pages name what exists' pages_name_what_exists
	rule 'shellcheck' shellcheck_is_silent
	rule 'no path and no host of one machine' no_foreign_places
	rule 'words that name no actor stay out' words_stay_out
	printf '%d passed, %d failed' "$passed" "$failed"
	[ "$skipped" -eq 0 ] || printf ', %d skipped' "$skipped"
	printf '\n'
	[ "$failed" -eq 0 ]
}

main "$@"
