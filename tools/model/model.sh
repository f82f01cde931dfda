#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Compiles and runs the models: programs that try all interleavings of what the module does without
# locks. They take seconds and need no kernel. Called by check.sh.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
work=$(mktemp -d "${TMPDIR:-/tmp}/nebula-memory.XXXXXX")
trap 'rm -rf "$work"' EXIT

gcc -O2 -Wall -Wextra -Werror -o "$work/pool" "$here/pool.c"
"$work/pool"
