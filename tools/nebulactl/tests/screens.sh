# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# top and replay on terminals of several sizes, which tmux plays. What is on the screen is compared with
# expected/screen-NAME.txt. Nothing is waited for but what has to appear. Sourced by run.sh.

# A server for each terminal: one that is being ended takes no new one.
screen_server=nebulactl-$$ screen_number=0

screen_tmux() {
	env -u TMUX -u COLUMNS LC_ALL=C.UTF-8 TERM=xterm tmux -L "$screen_server" -f /dev/null "$@"
}

# screen_open COLUMNS ROWS ARGS...: starts nebulactl in a terminal of that size.
screen_open() {
	local columns=$1 rows=$2
	shift 2
	screen_number=$((screen_number + 1)) screen_server=nebulactl-$$-$screen_number
	screen_tmux new-session -d -x "$columns" -y "$rows" -c "$GOLDEN" \
		"ASAN_OPTIONS=exitcode=99:log_path=$WORK/asan UBSAN_OPTIONS=exitcode=99:log_path=$WORK/asan $CTL $*; echo ended: \$?; exec cat"
}

screen_close() {
	screen_tmux kill-server 2>/dev/null || true
}

screens_end() {
	screen_close
}

screen_keys() {
	screen_tmux send-keys "$@"
}

# screen_wait TEXT: until it is on the screen, or 20 seconds are over.
screen_wait() {
	local end=$((SECONDS + 20))
	until screen_tmux capture-pane -p >"$WORK/screen" 2>&1 && grep -qF -- "$1" "$WORK/screen"; do
		[ "$SECONDS" -lt "$end" ] || {
			echo "never on the screen: $1" >>"$WORK/screen"
			return 1
		}
		read -r -t 0.05 <> <(:) || true
	done
}

# screen_is NAME TEXT: once TEXT is there, the whole screen is as expected.
screen_is() {
	local file=$EXPECTED/screen-$1.txt
	if ! screen_wait "$2"; then
		outcome "screen $1" 1 "$WORK/screen"
		return
	fi
	[ -z "${UPDATE:-}" ] || cp "$WORK/screen" "$file"
	if diff -u "$file" "$WORK/screen" >"$WORK/diff" 2>&1; then
		outcome "screen $1" 0
	else
		outcome "screen $1" 1 "$WORK/diff"
	fi
}

# screen_has TITLE TEXT
screen_has() {
	if screen_wait "$2"; then
		outcome "$1" 0
	else
		outcome "$1" 1 "$WORK/screen"
	fi
}

# The picture of the README is this screen.
screen_picture() {
	screen_tmux capture-pane -e -p | "$HERE/picture.py" >"$WORK/top.svg"
	[ -z "${UPDATE:-}" ] || cp "$WORK/top.svg" "$TOOL/top.svg"
	outcome 'the picture of the README is drawn from a run' "$(cmp "$WORK/top.svg" "$TOOL/top.svg" >"$WORK/both" 2>&1 &&
		echo 0 || echo 1)" "$WORK/both"
}

# Three sizes, from which columns are left out.
test_sizes() {
	screen_open 120 32 replay --interval 600 busy.rec
	screen_wait 'frame 1/20' && screen_keys -N 12 Right
	screen_is 120x32 'held at 13/20'
	screen_picture
	screen_close
	screen_open 80 24 replay --interval 600 busy.rec
	screen_wait 'frame 1/20' && screen_keys -N 12 Right
	screen_is 80x24 'held at 13/20'
	screen_close
	screen_open 20 8 top --root busy
	screen_is 20x8 'q end'
	screen_close
	screen_open 100 30 top --root busy --color never
	screen_wait 'saved copy' && screen_keys Down Enter m
	screen_is map 'conn: map'
	screen_keys m
	screen_is live 'conn: live objects'
	screen_keys m
	screen_has 'its errors' 'conn: errors'
	screen_keys h
	screen_is help 'any key: back'
	screen_close
}

# Keys, the mouse, another size.
test_keys() {
	screen_open 100 24 top --root busy
	screen_wait 'saved copy' && screen_keys s
	screen_has 's sorts by the next column' 'sorted by full'
	screen_keys r
	screen_has 'r reverses' 'sorted by full, reversed'
	screen_keys / d e v
	screen_has 'a filter as it is typed' 'filter: dev_'
	screen_has 'it leaves one' '1 allocators'
	screen_keys Escape
	screen_has 'Escape takes it away' '14 allocators'
	screen_keys Home v
	screen_has 'v validates' ': ok'
	# A click on the first row, and on the title USED: button, column, row, each from 32 on.
	screen_keys -H 1b 5b 4d 20 22 25 1b 5b 4d 23 22 25
	screen_keys v
	screen_has 'a click selects' 'sampler: ok'
	screen_keys Enter
	screen_has 'Enter shows the details' 'sampler: statistics'
	screen_tmux resize-window -x 60 -y 16
	screen_has 'another size' 'h keys  s sort by full  / filter'
	screen_tmux resize-window -x 10 -y 3
	screen_has 'hardly a terminal' 'nebula_mem'
	screen_tmux resize-window -x 100 -y 24
	screen_has 'and back' 'e errors  v validate  q end'
	screen_keys q
	screen_has 'q ends' 'ended: 0'
	screen_close
}

# The module goes away while it is watched, and a terminal that is not known.
test_ends() {
	rm -rf "$WORK/debug"
	mkdir -p "$WORK/debug" && cp -r "$GOLDEN/busy" "$WORK/debug/nebula_memory"
	NEBULACTL_DEBUGFS=$WORK/debug screen_open 80 24 top --interval 0.1
	screen_wait '14 allocators' || true
	rm -rf "$WORK/debug/nebula_memory"
	screen_has 'the module goes away' 'nebula_memory was unloaded'
	screen_keys q
	screen_close
	screen_open 80 10 "--color never top --root busy --count 1 --interval 0.1"
	screen_has 'count ends it' 'ended: 0'
	screen_close
	screen_server=nebulactl-$$-none
	# What ncurses loses when it does not know a terminal is not ours.
	screen_tmux new-session -d -x 60 -y 10 -c "$GOLDEN" "TERM=none ASAN_OPTIONS=detect_leaks=0 $CTL top --root busy; echo ended: \$?; exec cat"
	screen_has 'a terminal that is not known' 'ended: 3'
	screen_close
	cat "$WORK"/asan* >"$WORK/both" 2>/dev/null || true
	outcome 'no sanitizer had anything to say' "$([ ! -s "$WORK/both" ] && echo 0 || echo 1)" "$WORK/both"
}

test_screens() {
	test_sizes
	test_keys
	test_ends
}
