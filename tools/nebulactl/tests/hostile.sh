# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Trees and recordings that nebula_memory did not make: cut off, changed, of the wrong kind, vanishing. nebulactl
# ends with a status of its own, in time, and with a message. Sourced by run.sh.

# Every view that reads a tree, with a name that is there.
readonly views='list|show conn|errors|live conn|map conn|budgets|caches|validate --all|export --prometheus|export --html|list --json|diff'

# survives TITLE ROOT: all views end by themselves, and no sanitizer says anything.
survives() {
	local title=$1 root=$2 view status bad=0
	while IFS= read -r -d '|' view; do
		status=0
		# shellcheck disable=SC2086 # arguments, separated by white space
		case $view in
		diff) set -- diff "$root" "$GOLDEN/busy" ;;
		*) set -- $view --root "$root" ;;
		esac
		timeout 20 env LC_ALL=C ASAN_OPTIONS=exitcode=99 UBSAN_OPTIONS=exitcode=99 "$CTL" "$@" \
			>"$WORK/out" 2>"$WORK/both" </dev/null || status=$?
		[ "$status" -le 3 ] || {
			bad=1
			echo "status $status: nebulactl $*" >>"$WORK/both"
			break
		}
	done <<<"$views|"
	outcome "$title" "$bad" "$WORK/both"
}

# copy: a tree to spoil.
copy() {
	rm -rf "$WORK/tree"
	cp -r "$GOLDEN/busy" "$WORK/tree"
}

# spoil TITLE COMMAND: changes every file of a copy, {} in COMMAND, in turn of a seed.
spoil() {
	local file
	copy
	while IFS= read -r file; do
		file=$file bash -c "$2"
	done < <(find "$WORK/tree" -type f | sort)
	survives "$1" "$WORK/tree"
}

# Each file cut at a place of its own.
test_cut() {
	local share
	for share in 10 35 60 85 99; do
		# shellcheck disable=SC2016 # the shell that spoil starts
		spoil "files cut at $share%" 'size=$(stat -c %s "$file"); truncate -s $((size * '$share' / 100)) "$file"'
	done
}

# The same bytes in every run.
test_changed() {
	local seed
	for seed in 1 2 3 4 5 6 7 8; do
		copy
		find "$WORK/tree" -type f | sort | python3 -c '
import random, sys
random.seed(int(sys.argv[1]))
for name in sys.stdin.read().split("\n"):
    if not name:
        continue
    data = bytearray(open(name, "rb").read())
    for _ in range(1 + len(data) // 60):
        at = random.randrange(len(data))
        what = random.randrange(5)
        if what == 0:
            data[at] = random.randrange(256)
        elif what == 1:
            del data[at:at + random.randrange(20)]
        elif what == 2:
            data[at:at] = data[at // 2:at // 2 + random.randrange(80)]
        elif what == 3:
            data[at:at] = b"9" * random.randrange(30)
        else:
            data[at] = 10
        data = data or bytearray(b"\n")
    open(name, "wb").write(data)
' "$seed"
		survives "bytes changed, seed $seed" "$WORK/tree"
	done
}

# What is no text, no file, no name, or too much of it.
test_odd() {
	copy
	find "$WORK/tree" -type f -exec sh -c 'head -c 4096 /dev/urandom >"$1"' sh {} \;
	survives 'random bytes' "$WORK/tree"
	copy
	find "$WORK/tree" -type f -exec truncate -s 0 {} \;
	survives 'empty files' "$WORK/tree"
	copy
	find "$WORK/tree" -type f -exec sh -c 'yes "        $(head -n 3 "$1" | tail -n 1)" | head -c 300000 >>"$1"' sh {} \;
	survives 'the same line ten thousand times' "$WORK/tree"
	copy
	find "$WORK/tree" -type f -exec sh -c 'head -c 300000 /dev/zero | tr "\0" "#" >>"$1"' sh {} \;
	survives 'a line of 300,000 characters' "$WORK/tree"
	copy
	truncate -s 20M "$WORK/tree/errors"
	says 'a file that is too large' 1 'nebulactl: errors: larger than 16 MiB' ctl errors --root "$WORK/tree"
	copy
	rm "$WORK/tree/allocators/conn/stats" "$WORK/tree/allocators/sort/info"
	mkfifo "$WORK/tree/allocators/conn/stats"
	ln -s /etc/passwd "$WORK/tree/allocators/sort/info"
	mkdir "$WORK/tree/budgets/dir" && ln -s / "$WORK/tree/caches/root"
	mkdir "$WORK/tree/allocators/$(printf 'a\033[2Jb')"
	says 'a pipe, links and directories' 1 'allocators/conn/stats: no regular file' ctl list --root "$WORK/tree"
	says 'no link is followed' 1 'allocators/sort/info: no regular file' ctl list --root "$WORK/tree"
	if ctl list --root "$WORK/tree" 2>&1 | LC_ALL=C grep -q $'\033'; then
		outcome 'no escape sequence of a name reaches the terminal' 1
	else
		outcome 'no escape sequence of a name reaches the terminal' 0
	fi
	survives 'other kinds of files' "$WORK/tree"
}

# Files that go while they are read, again and again.
test_vanishing() {
	local bad=0 status
	copy
	(
		while :; do
			mv "$WORK/tree/allocators/conn" "$WORK/conn" 2>/dev/null
			mv "$WORK/conn" "$WORK/tree/allocators/conn" 2>/dev/null
		done
	) &
	local mover=$!
	for _ in 1 2 3 4 5 6 7 8; do
		status=0
		ctl list --root "$WORK/tree" >"$WORK/out" 2>"$WORK/both" || status=$?
		[ "$status" -le 1 ] || bad=1
		status=0
		ctl show conn --root "$WORK/tree" >"$WORK/out" 2>"$WORK/both" || status=$?
		[ "$status" -le 3 ] || bad=1
	done
	kill "$mover"
	wait "$mover" 2>/dev/null || true
	outcome 'an allocator that comes and goes' "$bad" "$WORK/both"
	rm -rf "$WORK/tree" "$WORK/conn"
}

# A recording that is cut anywhere has the frames before; its bytes may be anything.
test_recordings() {
	local size share bad=0 status
	size=$(stat -c %s "$GOLDEN/busy.rec")
	for share in 1 7 22 50 77 93; do
		head -c $((size * share / 100)) "$GOLDEN/busy.rec" >"$WORK/cut.rec"
		status=0
		ctl list --root "$WORK/cut.rec" >"$WORK/out" 2>"$WORK/both" || status=$?
		[ "$status" -le 3 ] || bad=1
	done
	outcome 'recordings that are cut' "$bad" "$WORK/both"
	says 'what a cut recording says' 0 'the last frame is not complete' ctl replay "$WORK/cut.rec"
	printf '# nebula recording v2\n' >"$WORK/new.rec"
	says 'a recording of a later version' 3 'new.rec:1: a recording of another version' ctl list --root "$WORK/new.rec"
	printf '# nebula recording v1\nframe 1.5\nfile ../../etc/passwd 2\nx\n\n' >"$WORK/out.rec"
	says 'a recording that leads out' 3 'out.rec:3: malformed' ctl list --root "$WORK/out.rec"
	printf '# nebula recording v1\nframe 1.5\nfile info 99999999999999999999\nx\n' >"$WORK/big.rec"
	says 'a recording that promises too much' 3 'big.rec:3: malformed' ctl list --root "$WORK/big.rec"
	ctl record --root "$GOLDEN/busy" --all "$WORK/own.rec" >"$WORK/out" 2>&1
	ctl validate --all --root "$GOLDEN/busy" >"$WORK/a"
	ctl validate --all --root "$WORK/own.rec" >"$WORK/b"
	outcome 'a recording has what the tree has' "$(cmp -s "$WORK/a" "$WORK/b" && echo 0 || echo 1)"
	says 'it says how much it wrote' 0 '1 frames' cat "$WORK/out"
	says 'a file that cannot be written' 3 'No such file' ctl record --root "$GOLDEN/busy" "$WORK/no/file.rec"
}

# until_it COMMAND...: for up to 20 seconds.
until_it() {
	local end=$((SECONDS + 20))
	until "$@" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$end" ] || return 1
		read -r -t 0.05 <> <(:) || true
	done
}

# What goes on until it is stopped: a recorder, and errors as they come.
test_going_on() {
	local pid status=0
	mkdir -p "$WORK/on" && cp -r "$GOLDEN/busy" "$WORK/on/nebula_memory"
	NEBULACTL_DEBUGFS=$WORK/on ctl record --interval 0.05 "$WORK/on.rec" >"$WORK/both" 2>&1 &
	pid=$!
	until_it grep -q '^frame' "$WORK/on.rec" || status=1
	rm -r "$WORK/on/nebula_memory/allocators/sort"
	until_it grep -q '^gone allocators/sort/stats$' "$WORK/on.rec" || status=1
	# The shell of the function, or the program in its place.
	pkill -TERM -P "$pid" || kill -TERM "$pid"
	wait "$pid" || status=1
	outcome 'a recorder that is stopped has written what was there' "$status" "$WORK/both"
	says 'and what went away' 0 'sort       gone' ctl diff "$WORK/on.rec" "$WORK/on.rec"
	head -n 2 "$GOLDEN/busy/errors" >"$WORK/on/nebula_memory/errors"
	NEBULACTL_DEBUGFS=$WORK/on ctl errors --follow --interval 0.05 >"$WORK/followed" 2>"$WORK/both" &
	pid=$!
	status=0
	until_it grep -q BUDGET_PER_ALLOC "$WORK/followed" || status=1
	printf '[   99.000000] late: LEAK (0) in rmmod[9], task, cpu 0\n' >>"$WORK/on/nebula_memory/errors"
	until_it grep -q '99.000000  late  LEAK' "$WORK/followed" || status=1
	rm -r "$WORK/on/nebula_memory"
	wait "$pid" && status=1
	grep -q 'nebula_memory is gone' "$WORK/both" || status=1
	[ "$(grep -c BUDGET_PER_ALLOC "$WORK/followed")" = 1 ] || status=1
	outcome 'errors as they come, each once' "$status" "$WORK/followed"
}

test_hostile() {
	test_cut
	test_changed
	test_odd
	test_vanishing
	test_recordings
	test_going_on
}
