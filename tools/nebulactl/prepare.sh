#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Installs what nebulactl is built with. Called by the Makefile and the tests; quiet when all of it is there.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=tools/progress.sh
. "$here/../progress.sh"
# shellcheck source=tools/vm/kernels.sh
. "$here/../vm/kernels.sh"
# shellcheck source=tools/vm/packages.sh
. "$here/../vm/packages.sh"

packages_ensure nebulactl
