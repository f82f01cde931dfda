#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# What a guest's debugfs showed, which it put into its log, in the views of nebulactl: a report for a browser, and on
# a terminal the whole screen for some seconds. Called by `make demo`.
#
#   tools/nebulactl/demo.sh LOG
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)
cd "$repo"
# shellcheck source=tools/progress.sh
. tools/progress.sh
readonly copy=build/nebulactl/demo seconds=8

tools/nebulactl/prepare.sh
progress_run 'build nebulactl' build/logs/nebulactl-build.log make -C tools/nebulactl all
rm -rf "$copy"
mkdir -p "$copy"
tools/nebulactl/fetch.sh "$1" "$copy" >/dev/null
[ -e "$copy/tree.tar" ] || progress_fail "$1 has no copy of debugfs: the guest did not come to that step"
tar x -C "$copy" -f "$copy/tree.tar"
rm "$copy/tree.tar"
# Files that the module wrote are well-formed, so that anything but 0 is a fault.
build/nebulactl/nebulactl export --html --root "$copy" --output build/nebulactl/demo.html

printf '\n== nebulactl, on what the guest showed in its debugfs\n'
if [ -t 0 ] && [ -t 1 ]; then
	build/nebulactl/nebulactl top --root "$copy" --count "$seconds"
fi
build/nebulactl/nebulactl list --root "$copy"
printf '\nfor a browser:  build/nebulactl/demo.html\n'
printf 'to look around: build/nebulactl/nebulactl top --root %s\n' "$copy"
