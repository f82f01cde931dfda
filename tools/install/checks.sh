# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Checks that are counted, and the client that they build. Sourced by test.sh and root_test.sh, which
# set WORK, a directory, and TREE, where the commands run.

passed=0 failed=0 skipped=0

# check TITLE COMMAND [ARGS...]: passes when its status is 0. What it prints is shown when it is not.
check() {
	local title=$1 status
	shift
	# A shell of its own ends at the first command that fails, which it would not after || or in an if.
	set +e
	(
		set -e
		cd "$TREE"
		"$@"
	) </dev/null >"$WORK/log" 2>&1
	status=$?
	set -e
	if [ "$status" -eq 0 ]; then
		passed=$((passed + 1))
		printf '  ok   %s\n' "$title"
	else
		failed=$((failed + 1))
		printf '  FAIL %s (status %d)\n' "$title" "$status"
		tail -n 20 "$WORK/log" | sed 's/^/       /'
	fi
}

# skip TITLE REASON
skip() {
	skipped=$((skipped + 1))
	printf '  skip %s: %s\n' "$1" "$2"
}

# checks_end: the last line, and whether all was well.
checks_end() {
	printf '%d passed, %d failed' "$passed" "$failed"
	[ "$skipped" -eq 0 ] || printf ', %d skipped' "$skipped"
	printf '\n'
	[ "$failed" -eq 0 ]
}

# says TEXT STATUS COMMAND...: COMMAND prints TEXT and ends with STATUS, "bad" for any but 0.
says() {
	local text=$1 wanted=$2 status=0 output
	shift 2
	output=$("$@" 2>&1) || status=$?
	printf '%s\n(status %s)\n' "$output" "$status"
	[ "$wanted" = bad ] || [ "$status" -eq "$wanted" ]
	[ "$wanted" != bad ] || [ "$status" -ne 0 ]
	grep -qF -- "$text" <<<"$output"
}

# files_of DIR: everything below it.
files_of() {
	(cd "$1" && find . ! -type d | sed 's|^\./||' | sort)
}

# client_tree DIR NEBULA_MK: a client in two directories.
client_tree() {
	rm -rf "$1"
	mkdir -p "$1/part"
	cat >"$1/Kbuild" <<-END
		include $2
		obj-m := client.o
		client-y := main.o part/part.o
		ccflags-y := -Werror
	END
	cat >"$1/main.c" <<-'END'
		// SPDX-License-Identifier: GPL-2.0-only
		#include <linux/module.h>
		#include <nebula/nebula.h>

		int client_part(void);

		static int __init client_init(void)
		{
			return client_part();
		}
		module_init(client_init);

		static void __exit client_exit(void)
		{
		}
		module_exit(client_exit);

		MODULE_LICENSE("GPL");
		MODULE_DESCRIPTION("A client in two directories");
	END
	cat >"$1/part/part.c" <<-'END'
		// SPDX-License-Identifier: GPL-2.0-only
		#include <linux/module.h>
		#include <nebula/nebula.h>

		int client_part(void);

		int client_part(void)
		{
			struct nebula_bump *b __free(nebula_bump) = nebula_bump_create("client", .capacity = SZ_64K);

			if (IS_ERR(b))
				return PTR_ERR(b);
			pr_info("client has %zu bytes\n", nebula_bump_capacity(b));
			return 0;
		}
	END
}

# none PATTERN: no line of standard input matches. (A pipe that begins with ! ends no shell.)
none() {
	if grep -E -- "$1"; then
		return 1
	fi
}

# packages_get NAME...: in a throw-away system only; from the cache where they are there, so that the second time needs no network.
packages_get() {
	local options=(-o "Dir::Cache::archives=$ROOT_ARCHIVES" -o APT::Keep-Downloaded-Packages=true -o APT::Sandbox::User=)
	export DEBIAN_FRONTEND=noninteractive
	apt-get "${options[@]}" -qq install --yes --no-install-recommends "$@" >"$WORK/packages.log" 2>&1 || {
		apt-get -qq update && apt-get "${options[@]}" -qq install --yes --no-install-recommends "$@"
	} >>"$WORK/packages.log" 2>&1
}
