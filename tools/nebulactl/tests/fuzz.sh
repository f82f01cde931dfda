#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Fuzzes all readers and views of nebulactl with libFuzzer, ASan and UBSan. Called by `make -C tools/nebulactl fuzz`.
#
#   tests/fuzz.sh SECONDS [KEEP]     KEEP=keep writes the inputs that reach most to corpus.txt, in base64
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$here/../../vm/kernels.sh"
# shellcheck source=tools/vm/packages.sh
. "$here/../../vm/packages.sh"

readonly build=$REPO/build/nebulactl seconds=${1:-60} keep=${2:-}

# seeds DIR: an input for each kind of file of the saved tree, and what was kept.
seeds() {
	local file number=0 kind
	mkdir -p "$1"
	while IFS= read -r file; do
		case ${file#"$here/golden/"*/} in
		info) kind=a ;;
		errors) kind=b ;;
		allocators/*/info) kind=c ;;
		allocators/*/stats) kind=d ;;
		allocators/*/errors) kind=e ;;
		allocators/*/live) kind=f ;;
		allocators/*/map) kind=g ;;
		allocators/*/validate) kind=h ;;
		budgets/*) kind=i ;;
		caches/*) kind=j ;;
		*) continue ;;
		esac
		number=$((number + 1))
		{ printf %s "$kind" && cat "$file"; } >"$1/seed-$number"
	done < <(find "$here/golden/busy" "$here/golden/faults" -type f | sort)
	{ printf '*' && head -c 8000 "$here/golden/busy.rec"; } >"$1/seed-recording"
	corpus "$1"
}

# corpus DIR: what was kept, a file each.
corpus() {
	local line number=0
	mkdir -p "$1"
	while IFS= read -r line; do
		number=$((number + 1))
		base64 -d <<<"$line" >"$1/kept-$number"
	done < <(cat "$here/corpus.txt" "$here/crashes.txt" | grep -v '^#')
}

# keep_corpus: the smallest set of inputs that reaches as much, of those up to 2,000 bytes.
keep_corpus() {
	local file
	rm -rf "$build/corpus-kept" && mkdir -p "$build/corpus-kept"
	"$build/fuzz" -merge=1 -close_fd_mask=3 -max_len=2000 "$build/corpus-kept" "$build/corpus" >/dev/null 2>&1 || true
	{
		echo '# Inputs of the fuzzer, in base64: the first byte says which file it is, see fuzz.c.'
		for file in $(find "$build/corpus-kept" -type f -size -1200c -printf '%s %p\n' | sort -n | head -n 150 | cut -d ' ' -f 2); do
			base64 -w 0 "$file"
			echo
		done
	} >"$here/corpus.txt"
}

main() {
	packages_ensure nebulactl fuzz
	mkdir -p "$LOGS"
	progress_run 'build the fuzzer' "$LOGS/nebulactl-fuzz-build.log" make -C "$here/.." "$build/fuzz"
	seeds "$build/corpus"
	if progress_run "fuzz for $seconds s" "$LOGS/nebulactl-fuzz.log" nice -n 19 "$build/fuzz" -close_fd_mask=3 \
		-max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=8000 -print_final_stats=1 \
		-artifact_prefix="$build/" "$build/corpus"; then
		grep -E 'stat::number_of_executed_units' "$LOGS/nebulactl-fuzz.log" | tail -n 1
		[ -z "$keep" ] || keep_corpus
		echo '1 passed, 0 failed'
	else
		echo "what crashed it: $(find "$build" -name 'crash-*' -newer "$build/fuzz" | tr '\n' ' ')"
		echo '0 passed, 1 failed'
		return 1
	fi
}

main
