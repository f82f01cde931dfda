# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# What others read: JSON by its schema, metrics by their grammar, the report by a parser and a browser, the man page,
# the completions, and what is installed. Sourced by run.sh.

test_json() {
	local file
	for file in "$WORK"/*.json; do
		if jsonschema -i "$file" "$TOOL/nebulactl.schema.json" >"$WORK/both" 2>&1; then
			outcome "schema of $(basename "$file")" 0
		else
			outcome "schema of $(basename "$file")" 1 "$WORK/both"
		fi
	done
	# The schema can fail.
	sed 's/"peak": [0-9]*/"peak": "high"/' "$WORK/list-json.json" >"$WORK/wrong"
	outcome 'the schema finds what is wrong' "$(jsonschema -i "$WORK/wrong" "$TOOL/nebulactl.schema.json" \
		>/dev/null 2>&1 && echo 1 || echo 0)"
	outcome 'the dashboard is JSON' "$(python3 -m json.tool "$TOOL/nebulactl.grafana.json" >/dev/null && echo 0 || echo 1)"
	dashboard_metrics
}

# Every metric that the dashboard asks for is exported.
dashboard_metrics() {
	local metric missing=0
	while IFS= read -r metric; do
		case $metric in
		nebula_memory) ;;
		*) grep -q "^# TYPE $metric " "$EXPECTED/prometheus.txt" || {
			missing=1
			echo "$metric"
		} ;;
		esac
	done >"$WORK/both" < <(grep -o 'nebula_[a-z_]*' "$TOOL/nebulactl.grafana.json" | sort -u)
	outcome 'the dashboard asks for what is exported' "$missing" "$WORK/both"
}

# grammar FILE: the text format: HELP, TYPE, then all samples of a metric, none of them twice.
grammar() {
	awk '
		function wrong(what) { print FILENAME ":" FNR ": " what ": " $0; bad = 1 }
		/^# HELP / { if ($3 in help) wrong("announced twice"); help[$3]; metric = $3; next }
		/^# TYPE / {
			if ($3 != metric || ($4 != "counter" && $4 != "gauge") || NF != 4) wrong("type")
			if (($4 == "counter") != ($3 ~ /_total$/)) wrong("a counter ends with _total")
			typed[$3]
			next
		}
		!/^[a-z_]+(\{[a-z_]+="([^"\\]|\\["\\n])*"(,[a-z_]+="([^"\\]|\\["\\n])*")*\})? [0-9]+$/ { wrong("no sample"); next }
		{
			name = $0
			sub(/[{ ].*/, "", name)
			series = $0
			sub(/ [0-9]+$/, "", series)
			if (name != metric || !(name in typed)) wrong("a sample of another metric")
			if (seen[series]++) wrong("twice")
		}
		END { exit bad }
	' "$1"
}

test_metrics() {
	ctl export --prometheus --root "$GOLDEN/busy" --output "$WORK/nebula.prom"
	if grammar "$WORK/nebula.prom" >"$WORK/both"; then
		outcome 'metrics follow the grammar' 0
	else
		outcome 'metrics follow the grammar' 1 "$WORK/both"
	fi
	outcome 'metrics can be read by the collector' "$([ "$(stat -c %a "$WORK/nebula.prom")" = 644 ] && echo 0 || echo 1)"
	printf '# HELP a_total x\n# TYPE a_total gauge\na_total 1\na_total 1\n' >"$WORK/wrong.prom"
	outcome 'the grammar finds what is wrong' "$(grammar "$WORK/wrong.prom" >/dev/null && echo 1 || echo 0)"
	if ! command -v promtool >/dev/null; then
		skip 'promtool finds nothing to say' 'promtool is not installed (Debian package prometheus)'
	elif promtool check metrics <"$WORK/nebula.prom" >"$WORK/both" 2>&1 && [ ! -s "$WORK/both" ]; then
		outcome 'promtool finds nothing to say' 0
	else
		outcome 'promtool finds nothing to say' 1 "$WORK/both"
	fi
}

test_report() {
	local root
	for root in busy busy.rec; do
		ctl export --html --root "$GOLDEN/$root" --output "$WORK/report.html"
		if python3 "$HERE/report.py" "$WORK/report.html" "$GOLDEN/busy" >"$WORK/both" 2>&1; then
			outcome "the report of $root is well-formed and whole" 0
		else
			outcome "the report of $root is well-formed and whole" 1 "$WORK/both"
		fi
	done
	ctl export --html --root "$GOLDEN/faults" --output "$WORK/faults.html" 2>/dev/null || true
	outcome 'a report of faults is well-formed' "$(python3 "$HERE/report.py" "$WORK/faults.html" >"$WORK/both" 2>&1 &&
		echo 0 || echo 1)" "$WORK/both"
	if ! command -v chromium >/dev/null; then
		skip 'a browser draws the report' 'chromium is not installed'
		return
	fi
	timeout 60 chromium --headless --no-sandbox --disable-gpu --user-data-dir="$WORK/browser" --window-size=1240,1600 \
		--screenshot="$WORK/report.png" "file://$WORK/report.html" >"$WORK/both" 2>&1 || true
	# A page without a style is a tenth of it.
	outcome 'a browser draws the report' "$([ "$(stat -c %s "$WORK/report.png" 2>/dev/null || echo 0)" -gt 60000 ] &&
		echo 0 || echo 1)" "$WORK/both"
}

test_manual() {
	local command
	if command -v groff >/dev/null; then
		groff -man -Tutf8 -ww "$BUILD/nebulactl.8" >"$WORK/man" 2>"$WORK/both"
		outcome 'the man page has no warning' "$([ -s "$WORK/man" ] && [ ! -s "$WORK/both" ] && echo 0 || echo 1)" "$WORK/both"
	else
		skip 'the man page has no warning' 'groff is not installed'
	fi
	for command in list show errors live map budgets caches validate diff top record replay export; do
		grep -q "^\.BI \"$command \"" "$BUILD/nebulactl.8" || echo "$command"
	done >"$WORK/both"
	outcome 'the man page has every command' "$([ ! -s "$WORK/both" ] && echo 0 || echo 1)" "$WORK/both"
}

# completes LINE WORD: bash offers WORD at the end of LINE.
completes() {
	# shellcheck disable=SC2016 # the shell that completes
	PATH=$BUILD:$PATH bash -c '
		. "$1"
		read -ra COMP_WORDS <<<"$2"
		[[ $2 != *" " ]] || COMP_WORDS+=("")
		COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
		_nebulactl
		printf "%s\n" "${COMPREPLY[@]}"
	' bash "$BUILD/nebulactl.bash" "$1" >"$WORK/both" 2>&1
	if grep -qx -- "$2" "$WORK/both"; then
		outcome "bash completes '$1'" 0
	else
		outcome "bash completes '$1'" 1 "$WORK/both"
	fi
}

test_completion() {
	completes 'nebulactl va' validate
	completes 'nebulactl list --so' --sort
	completes 'nebulactl list --sort f' failures
	completes 'nebulactl --color n' never
	completes "nebulactl show --root $GOLDEN/busy con" connections
	if command -v zsh >/dev/null; then
		outcome 'zsh reads its completion' "$(zsh -n "$BUILD/_nebulactl" 2>"$WORK/both" && echo 0 || echo 1)" "$WORK/both"
	else
		skip 'zsh reads its completion' 'zsh is not installed'
	fi
}

# What the fuzzer found worth keeping is read again, each time.
test_corpus() {
	local line number=0
	mkdir -p "$WORK/corpus"
	while IFS= read -r line; do
		number=$((number + 1))
		base64 -d <<<"$line" >"$WORK/corpus/$number"
	done < <(cat "$HERE/corpus.txt" "$HERE/crashes.txt" | grep -v '^#')
	outcome "$number inputs of the fuzzer" "$(find "$WORK/corpus" -type f -exec "$BUILD/fuzz-replay" {} + >"$WORK/both" 2>&1 &&
		[ "$number" -gt 0 ] && echo 0 || echo 1)" "$WORK/both"
}

test_install() {
	make -C "$TOOL" BUILD="$BUILD" DESTDIR="$WORK/image" PREFIX=/usr install >"$WORK/both" 2>&1
	outcome 'all of it is installed' "$(cd "$WORK/image/usr" && [ -x sbin/nebulactl ] && [ -s share/man/man8/nebulactl.8 ] &&
		[ -s share/bash-completion/completions/nebulactl ] && [ -s share/zsh/site-functions/_nebulactl ] &&
		[ -s share/nebulactl/nebulactl.schema.json ] && [ -s share/nebulactl/nebulactl.grafana.json ] &&
		echo 0 || echo 1)" "$WORK/both"
	says 'what is installed runs' 0 '14 allocators' "$WORK/image/usr/sbin/nebulactl" list --root "$GOLDEN/busy"
}

test_formats() {
	test_json
	test_metrics
	test_report
	test_manual
	test_completion
	test_corpus
	test_install
}
