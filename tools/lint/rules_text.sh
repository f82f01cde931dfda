# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Rules about all files of the tree, whatever language they are in. Sourced by lint.sh.

# text_files: every file that is, or would be, in the repository.
text_files() {
	if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard
	else
		find . -path ./build -prune -o -type f -print | sed 's|^\./||'
	fi | sort | while IFS= read -r file; do
		[ ! -f "$file" ] || printf '%s\n' "$file"
	done
}

shell_files() {
	text_files | while IFS= read -r file; do
		case $file in
		*.sh | tools/vm/guest/init | .ci/run) printf '%s\n' "$file" ;;
		esac
	done
}

# busybox's shell is closest to dash, and has substrings (SC3057) beside local and pipefail; a
# guest script and its steps see each other's variables (SC2154, SC2034), and are found in the guest
# (SC1091).
shellcheck_is_silent() {
	local host guest
	mapfile -t host < <(shell_files | grep -v '^tools/vm/guest/')
	mapfile -t guest < <(shell_files | grep '^tools/vm/guest/')
	shellcheck --external-sources "${host[@]}"
	shellcheck --shell=dash --exclude=SC1091,SC2034,SC2154,SC3040,SC3043,SC3057 "${guest[@]}"
}

# program_files: what is run, compiled or read by make; documents and data are under LICENSE as they are.
program_files() {
	c_files
	shell_files
	text_files | grep -E '(^|/)(Makefile|Kbuild|dkms[.]conf)$|[.](awk|gp|mk|control|preinst|postinst|prerm)$'
}

# The first lines of a program say under which licence it is; those of a Makefile may begin with other words.
files_name_licence() {
	local file missing=0
	while IFS= read -r file; do
		if ! head -n 2 "$file" | grep -q 'SPDX-License-Identifier: GPL-2.0-only'; then
			echo "$file"
			missing=1
		fi
	done < <(program_files && echo LICENSE)
	return "$missing"
}

# dkms.conf has the version of the project; the module must say the same.
version_is_one() {
	local packaged defined
	packaged=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' dkms.conf)
	defined=$(grep -rhE '^#define[[:space:]]+NEBULA_VERSION[[:space:]]' include module | tr -d '"' | awk '{ print $3 }')
	echo "dkms.conf says '$packaged', the sources say '$defined'"
	[ -n "$packaged" ] && [ "$packaged" = "$defined" ]
}

# Home directories and package hosts; each machine has others.
no_foreign_places() {
	local files
	mapfile -t files < <(text_files | grep -vxE 'LICENSE|tools/package/debian/copyright')
	! grep -nIE '(^|[^A-Za-z0-9_}])/(home|root)/[a-z.]|(deb|security|snapshot|archive|ftp)[.](debian|ubuntu)[.]|https?://[^ ]*(debian|ubuntu|mirror)' "${files[@]}"
}

# prose_of FILE: its comments, or all of it when it is a document; other text is blank, so that
# lines keep their numbers.
prose_of() {
	case $1 in
	*.md) cat "$1" ;;
	*.[ch]) perl -0777 -pe 's{(/\*.*?\*/|//[^\n]*)|"(?:\\.|[^"\\\n])*"|\x27(?:\\.|[^\x27\\\n])*\x27|[^\n]}
				 {$1 // " "}gse' "$1" ;;
	*) perl -pe 's/^(?:.*?\s)??(#.*)$/$1/ or $_ = "\n"' "$1" ;;
	esac
}

# A comment says who acts: the owner, an NMI, the reader, another CPU. Strings are left alone.
words_stay_out() {
	local file found=0
	while IFS= read -r file; do
		prose_of "$file" |
			grep -niwE 'whoever|somebody|nobody|anybody|everybody|meanwhile|he|his|him' |
			sed "s|^|$file:|" && found=1
	done < <(text_files | grep -E '^((module|include|kunit|tools)/|README[.]md$)')
	return "$found"
}

# module/error/CODES.md says what the table in codes.c says.
error_pages_are_current() {
	tools/docs/codes.sh | diff - module/error/CODES.md || {
		echo 'make docs writes it anew'
		return 1
	}
}

# outside_code PAGE: all but its blocks of code.
outside_code() {
	awk '/^```/ { code = !code; next } !code' "$1"
}

# links_of PAGE: what it links to, one a line.
links_of() {
	outside_code "$1" | awk '{ gsub(/`[^`]*`/, "") } 1' | grep -oE '\]\([^) ]+\)' | sed 's/^](//; s/)$//' || true
}

# Links in the pages name files and folders of the tree, and headings as they stand.
links_lead_somewhere() {
	local page link target anchor broken=0
	while IFS= read -r page; do
		while IFS= read -r link; do
			case $link in http://* | https://* | mailto:*) continue ;; esac
			target=${link%%#*} anchor=${link#"${link%%#*}"}
			target=${target:+$(dirname "$page")/$target}
			target=${target:-$page}
			[ ! -d "$target" ] || [ -z "$anchor" ] || target=$target/README.md
			if [ ! -e "$target" ] || { [ -n "$anchor" ] && ! headings_of "$target" | grep -xF -- "$anchor" >/dev/null; }; then
				echo "$page: $link"
				broken=1
			fi
		done < <(links_of "$page")
	done < <(text_files | grep '\.md$')
	return "$broken"
}

# headings_of PAGE: the anchors that its headings have, as renderers make them.
headings_of() {
	outside_code "$1" | sed -n 's/^#\{1,6\} //p' | tr '[:upper:]' '[:lower:]' |
		sed 's/[^a-z0-9 _-]//g; s/ /-/g; s/^/#/'
}

# What the pages call by the names of our functions stands somewhere in the tree.
pages_name_what_exists() {
	local names=build/lint/names page name missing=0
	mkdir -p build/lint
	grep -rhoE --exclude='*.md' '\b(nebula|NEBULA)_[A-Za-z0-9_]*' include module kunit tools Kbuild Makefile | sort -u >"$names"
	for page in README.md include/nebula/README.md module/*/README.md tools/samples/README.md; do
		while IFS= read -r name; do
			case $name in *_) continue ;; esac
			grep -qxF -- "$name" "$names" || {
				echo "$page: $name"
				missing=1
			}
		done < <(grep -oE '\b(nebula|NEBULA)_[A-Za-z0-9_]*' "$page" | sort -u)
	done
	return "$missing"
}

# What is said of the tests in kunit/README.md is what they are.
caught_is_up_to_date() {
	tools/caught.sh --check
}
