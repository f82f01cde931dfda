# SPDX-License-Identifier: GPL-2.0-only
# Judges the log of a guest. Called by verdict.sh with -v end=, -v status= and -v limit=, on one log.
#
# A guest is good when it ran to its verdict line with nothing failed, the kernel printed no report
# that a step had not announced, every announced report came, the KUnit suites that it printed are
# complete and passed, and the machine switched itself off in time. What happens before the guest's
# init is the kernel's own affair.
#
# Output: failed steps with what they printed, a table of KUnit suites, every other problem, and a
# last line of counts. Status 0 when nothing failed.

BEGIN {
	# What counts as a report: one line for each kind.
	reports = "BUG:" \
		"|BUG [^ ]+ \\(" \
		"|kernel BUG at" \
		"|WARNING:" \
		"|Oops" \
		"|Call Trace" \
		"|KASAN:" \
		"|KCSAN:" \
		"|UBSAN:" \
		"|ODEBUG:" \
		"|INFO: possible" \
		"|INFO: task" \
		"|possible recursive" \
		"|inconsistent lock state" \
		"|suspicious RCU" \
		"|unreferenced object" \
		"|kmemleak: [0-9]+ new" \
		"|Kernel panic" \
		"|general protection" \
		"|rcu: INFO" \
		"|soft lockup" \
		"|scheduling while atomic" \
		"|sleeping function called"
	# How many lines of the first report are printed, and how many before it.
	context = 24
	before = 16
}

{
	sub(/\r+$/, "")
	# The time stamp, and the caller where the kernel prints it.
	is_kernel = sub(/^\[ *[0-9]+\.[0-9]+\](\[ *[TC][0-9]+\])? /, "")
}

is_kernel && /^\[nebula\] / {
	recent[NR % before] = $0
	mark(substr($0, 10))
	next
}

!booted {
	next
}

{
	recent[NR % before] = $0
}

report_left > 0 {
	report_left--
	report_text = report_text "    " $0 "\n"
}

/printk messages dropped/ {
	problem("the log has a gap, line " NR ": " $0)
}

pattern != "" && $0 ~ pattern {
	expected_seen = within_expected = 1
	next
}

$0 ~ reports {
	# A stack belongs to the report above it.
	if (/Call Trace/ && (within_expected || (report_line && NR - report_line <= context)))
		next
	report($0)
}

/reboot: (Power down|System halted)/ && sentinel != "" {
	powered_off = 1
}

function mark(text) {
	if (text ~ /^init /) {
		if (booted)
			problem("the guest started twice")
		booted = 1
	} else if (text ~ /^begin /) {
		end_step()
		title = substr(text, 7)
		in_step = 1
	} else if (text ~ /^expect /) {
		pattern = substr(text, 8)
		expected_seen = 0
	} else if (text ~ /^ok   /) {
		passed++
		end_step()
	} else if (text ~ /^FAIL /) {
		failed++
		print "  FAIL " substr(text, 6)
		printf "%s", output
		end_step()
	} else if (text ~ /^kunit /) {
		end_suite()
		begin_suite(substr(text, 7))
	} else if (text == "kunit-end") {
		end_suite()
	} else if (text ~ /^\| /) {
		if (suite != "")
			ktap(substr(text, 3))
		else if (in_step)
			output = output "       " substr(text, 3) "\n"
	} else if (text ~ /^verdict: /) {
		sentinel = text
	}
}

function end_step() {
	if (pattern != "" && !expected_seen)
		problem("no report matched '" pattern "' in step: " title)
	pattern = ""
	within_expected = 0
	in_step = 0
	output = ""
}

function report(text, i) {
	within_expected = 0
	report_line = NR
	problem("kernel report at line " NR (in_step ? " in step '" title "'" : "") ": " text)
	if (report_text == "") {
		for (i = NR - before + 1; i < NR; i++)
			if (i % before in recent)
				report_text = report_text "    " recent[i % before] "\n"
		report_text = report_text "    " text "\n"
		report_left = context
	}
}

function problem(text) {
	problems++
	if (problems <= 10)
		problem_text = problem_text "  PROBLEM " text "\n"
}

# KUnit: one results file for each suite, cases indented by four blanks.

function begin_suite(name) {
	suite = name
	plan = -1
	complete = cases = 0
	suite_passed = suite_failed = suite_skipped = 0
	diagnostics = ""
	suites++
}

function ktap(text) {
	if (text ~ /^    1\.\.[0-9]+$/) {
		plan = substr(text, 8) + 0
	} else if (text ~ /^    (not )?ok [0-9]+ /) {
		ktap_case(text)
	} else if (text ~ /^(not )?ok [0-9]+ /) {
		complete = 1
		suite_verdict = text
	} else {
		diagnostics = diagnostics "       " text "\n"
	}
}

function ktap_case(text, name) {
	cases++
	name = text
	sub(/^ *(not )?ok [0-9]+ -? ?/, "", name)
	if (text ~ /# SKIP/) {
		suite_skipped++
		skip_text = skip_text "  skipped " suite "." name "\n"
	} else if (text ~ /^    not ok/) {
		suite_failed++
		failure_text = failure_text "  FAIL " suite "." name "\n" diagnostics
	} else {
		suite_passed++
	}
	diagnostics = ""
}

function end_suite() {
	if (suite == "")
		return
	if (plan < 0)
		problem("KUnit suite " suite " has no plan")
	else if (cases != plan)
		problem("KUnit suite " suite " planned " plan " cases and ran " cases)
	if (cases == 0)
		problem("KUnit suite " suite " has no cases")
	if (!complete)
		problem("KUnit suite " suite " did not finish")
	else if (suite_verdict ~ /^not ok/ && suite_failed == 0)
		problem("KUnit suite " suite " failed outside its cases")
	table = table sprintf("  %-34s %7d %7d %8d\n", suite, suite_passed, suite_failed, suite_skipped)
	kunit_passed += suite_passed
	kunit_failed += suite_failed
	kunit_skipped += suite_skipped
	suite = ""
}

END {
	end_suite()
	if (end == "no-init")
		problem("the guest did not reach its init within " limit " s")
	else if (end == "timeout")
		problem("the guest was still running after " limit " s" (in_step ? ", in step: " title : ""))
	else if (!booted)
		problem("the guest ended before its init, status " status)
	else if (sentinel == "")
		problem("the guest ended without its verdict line, status " status (in_step ? ", in step: " title : ""))
	else if (!powered_off || status != 0)
		problem("the guest did not power off cleanly, status " status)
	if (sentinel != "" && sentinel != sprintf("verdict: %d passed, %d failed", passed, failed))
		problem("the log shows " passed + 0 " passed and " failed + 0 " failed steps, the guest says " sentinel)
	else if (sentinel != "" && passed + failed == 0)
		problem("the guest ran no step")

	if (suites) {
		printf "  %-34s %7s %7s %8s\n", "KUnit suite", "passed", "failed", "skipped"
		printf "%s%s%s", table, skip_text, failure_text
	}
	printf "%s", problem_text
	if (problems > 10)
		printf "  and %d more\n", problems - 10
	printf "%s", report_text
	bad = failed + kunit_failed + problems
	printf "%d passed, %d failed", passed + kunit_passed, bad
	if (kunit_skipped)
		printf ", %d skipped", kunit_skipped
	printf "\n"
	exit bad ? 1 : 0
}
