#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# nebulactl in a guest, against the module itself: see tools/vm/guest/nebulactl.sh. Called by check.sh. With a
# directory as its argument it puts there what the guest saw: tree.tar and busy.rec.
set -euo pipefail

repo=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd -P)
cd "$repo"
tools/nebulactl/prepare.sh
make -s -C tools/nebulactl static
tools/vm/prepare.sh stock
tools/vm/build.sh stock
if [ $# -gt 0 ]; then
	tools/vm/run.sh stock nebulactl.sh -- build/nebulactl/nebulactl-static
	exec tools/nebulactl/fetch.sh build/logs/stock-nebulactl.log "$1"
fi
exec tools/vm/run.sh stock nebulactl.sh -- build/nebulactl/nebulactl-static
