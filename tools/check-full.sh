#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Everything that takes long, stage after stage, on top of what check.sh runs. Called by
# `make check-full`:
#
#   tools/check-full.sh [--fresh] [STAGE...]
#
# A stage that has passed on these sources is not run again: the state is in build/check-full/, by
# stage and by what the sources are. So it can be stopped at any time and taken up again; --fresh
# begins anew, and a STAGE that is named runs in any case. Each stage ends as those of check.sh do.
set -uo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly repo state=$repo/build/check-full logs=$repo/build/logs

# Seconds of torture.
readonly TORTURE=600
# shellcheck source=tools/stages.sh
. "$repo/tools/stages.sh"

# name, then the command; a stage whose first file is not in the tree is left out.
full_stages() {
	cat <<-END
		check            tools/check.sh
		litmus           tools/litmus/litmus.sh
		peers            tools/peers/peers.sh
		torture-debug    tools/check-full.sh --torture debug
		torture-uml      tools/check-full.sh --torture uml
		coverage         tools/coverage/coverage.sh
		trace            tools/trace/trace.sh
		mutants          tools/mutants/mutants.sh --minutes 90
	END
	[ ! -x "$repo/tools/matrix/matrix.sh" ] || echo 'matrix tools/matrix/matrix.sh'
}

# full_digest: what the sources are.
full_digest() {
	(cd "$repo" && find Kbuild include module kunit tools -type f -not -name '*.md' | LC_ALL=C sort | xargs sha256sum) |
		sha256sum | cut -c1-16
}

# full_torture KERNEL: ten minutes, on four CPUs, with failing allocations of the kernel where it can.
full_torture() {
	local seed=${SEED:-$(($(date +%s) % 100000))}
	echo "  seed $seed: SEED=$seed tools/check-full.sh torture-$1 runs the same"
	"$repo/tools/vm/prepare.sh" "$1" && "$repo/tools/vm/build.sh" "$1" &&
		"$repo/tools/vm/run.sh" "$1" torture_long.sh --smp 4 --timeout $((4 * TORTURE + 600)) \
			--log "$1-torture-long" --append "nebula_seconds=$TORTURE nebula_seed=$seed"
}

# full_stage NAME COMMAND...: runs it, or says that it has passed; adds its line to the table.
full_stage() {
	local name=$1 begin=$SECONDS status=0 last log=$logs/full-$1.log mark=$state/$1
	shift
	if [ -z "$named" ] && [ "$(head -n 1 "$mark" 2>/dev/null)" = "$digest" ]; then
		last=$(tail -n 1 "$mark")
		printf '%s: passed before\n' "$name"
	else
		printf '%s\n' "$name"
		"$@" </dev/null 2>&1 | tee "$log" || status=$?
		last=$(tail -n 1 "$log")
		[ "$status" -ne 0 ] || printf '%s\n%s\n' "$digest" "$last" >"$mark"
	fi
	stages_add "$name" "$last" "$status" $((SECONDS - begin))
}

main() {
	local named='' digest name command first
	if [ "${1:-}" = --torture ]; then
		full_torture "$2"
		return
	fi
	cd "$repo" && mkdir -p "$logs" "$state" || exit 1
	if [ "${1:-}" = --fresh ]; then
		rm -f "$state"/*
		shift
	fi
	named=$*
	digest=$(full_digest)
	while read -r -u 3 name command; do
		first=${command%% *}
		[ -e "$first" ] || continue
		case " ${named:-$name} " in *" $name "*) ;; *) continue ;; esac
		# shellcheck disable=SC2086 # words
		full_stage "$name" $command
	done 3< <(full_stages)

	stages_end
}

main "$@"
