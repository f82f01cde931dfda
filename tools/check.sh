#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Everything that must hold, stage after stage, and a table at the end. Called by `make check`.
# A failing stage stops no other.
set -uo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
readonly repo logs=$repo/build/logs
# shellcheck source=tools/stages.sh
. "$repo/tools/stages.sh"

# check_stage NAME COMMAND...
check_stage() {
	local name=$1 begin=$SECONDS status=0 log
	shift
	log=$logs/check-${name// /-}.log
	printf '%s\n' "$name"
	"$@" </dev/null 2>&1 | tee "$log" || status=$?
	stages_add "$name" "$(tail -n 1 "$log")" "$status" $((SECONDS - begin))
}

# check_guest KERNEL GUEST [FILES...]
check_guest() {
	local kernel=$1 guest=$2
	shift 2
	"$repo/tools/vm/prepare.sh" "$kernel" &&
		"$repo/tools/vm/build.sh" "$kernel" &&
		"$repo/tools/vm/run.sh" "$kernel" "$guest" -- "$@"
}

main() {
	cd "$repo" && mkdir -p "$logs" || exit 1
	check_stage 'lint' tools/lint/lint.sh
	check_stage 'harness' tools/vm/selftest.sh
	check_stage 'install' tools/install/test.sh
	check_stage 'packages' tools/package/test.sh
	check_stage 'models' tools/model/model.sh
	check_stage 'litmus' tools/litmus/litmus.sh
	check_stage 'nebulactl' tools/nebulactl/tests/run.sh
	check_stage 'kunit on uml' check_guest uml kunit.sh
	check_stage 'kunit on debug' check_guest debug kunit.sh
	check_stage 'kasan on debug' check_guest debug kasan.sh
	check_stage 'port on uml' tools/port/port.sh
	check_stage 'unload on uml' check_guest uml unload.sh
	check_stage 'unload on debug' check_guest debug unload.sh
	check_stage 'torture on uml' check_guest uml torture.sh
	check_stage 'torture on debug' check_guest debug torture.sh
	check_stage 'demo on stock' check_guest stock demo.sh tools/demo/requests.txt
	check_stage 'nebulactl on stock' tools/nebulactl/tests/guest.sh
	check_stage 'post-mortem on stock' tools/nebulactl/postmortem/test.sh
	check_stage 'lockdown on stock' check_guest stock lockdown.sh
	check_stage 'guard pages on stock' check_guest stock guard.sh
	check_stage 'bench budget on stock' tools/bench/budget.sh
	check_stage 'samples on stock' check_guest stock samples.sh tools/samples/expected

	stages_end
}

main "$@"
