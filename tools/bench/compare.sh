#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What became slower or faster since an older bench.json: tools/bench/compare.sh OLD
# Called by `make bench-compare OLD=bench.json`; the new one is build/bench.json, of the last `make bench`.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"

readonly new=$here/../../build/bench.json

[ -n "${1:-}" ] || progress_fail 'name the figures to compare with: make bench-compare OLD=bench.json'
[ -r "$1" ] || progress_fail "$1 cannot be read"
[ -e "$new" ] || progress_fail 'there are no figures of this tree: run make bench'
awk -f "$here/json.awk" -f "$here/compare.awk" "$1" "$new"
