# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Single packages out of another suite of the host's Debian archive, without a change to the host:
# own lists, own cache, own sources file; the address and the trust come from the host's own apt
# configuration. Needs no root. Sourced by source.sh, after kernels.sh and packages.sh.

ARCHIVE=${ARCHIVE:-$NEBULA_CACHE/archive}
readonly ARCHIVE
# Where Debian keeps the keys of all its releases; without it apt trusts what the host trusts.
readonly ARCHIVE_KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# archive_open SUITE: fetches the lists of SUITE.
archive_open() {
	local uri signed=''
	uri=$(archive_uri)
	if [ -z "$uri" ]; then
		# Without lists apt does not know yet which of its sources is Debian's main archive.
		packages_update || return 1
		uri=$(archive_uri)
	fi
	[ -n "$uri" ] || return 1
	[ ! -r "$ARCHIVE_KEYRING" ] || signed="[signed-by=$ARCHIVE_KEYRING] "
	mkdir -p "$ARCHIVE/lists/partial" "$ARCHIVE/cache/archives/partial"
	echo "deb $signed$uri $1 main" >"$ARCHIVE/sources.list"
	archive_apt -qq update --error-on=any
}

# archive_uri: the main archive among the host's sources, or nothing on a system that is not Debian.
archive_uri() {
	# shellcheck disable=SC2016 # apt's own variables
	apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(COMPONENT)|$(REPO_URI)' 'Created-By: Packages' |
		awk -F '|' '$1 == "Debian" && $2 == "Debian" && $3 == "main" { print $4; exit }'
}

# archive_apt ARGS...: apt-get that sees only the lists of archive_open.
archive_apt() {
	archive_tool apt-get "$@"
}

archive_tool() {
	local tool=$1
	shift
	# The files belong to the user who runs this, so apt must not drop its privileges.
	"$tool" -o Dir::Etc::sourcelist="$ARCHIVE/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::Lists="$ARCHIVE/lists" -o Dir::Cache="$ARCHIVE/cache" \
		-o APT::Sandbox::User= -o APT::Get::List-Cleanup=true "$@"
}

# archive_version PACKAGE: the version on offer, or nothing.
archive_version() {
	archive_tool apt-cache --no-all-versions show "$1" 2>/dev/null |
		awk '$1 == "Version:" { print $2; exit }'
}

# archive_download PACKAGE DIR: puts the package file into DIR.
archive_download() {
	(cd "$2" && archive_apt download "$1")
}
