# Judge a console log. Given with -v: suites, programs and mock (names, separated by
# spaces, that must have run), job (what must have begun and ended).
# Prints one line a check: 'ok NAME', 'skip NAME: why', 'FAIL NAME: why'.

function pass(name)		{ print "ok " name }
function skip(name, why)	{ print "skip " name ": " why }
function fail(name, why)	{ print "FAIL " name ": " why; failed = 1 }

function splat(name, text) {
	splats++
	if (!((name, text) in said))
		fail(name, text)
	said[name, text] = 1
}

# A suite or a program ends: did all that was planned run?
function close_suite(end_ok,	why) {
	if (plan < 0)
		fail("kunit " suite, "truncated: no plan")
	else if (seen != plan)
		fail("kunit " suite, "truncated: " seen " of " plan " cases")
	else if (!plan)
		fail("kunit " suite, "has no cases")
	else if (!end_ok && !suite_failed)
		fail("kunit " suite, "not ok, though its cases are")
	ran[suite] = 1
	suite = ""
}
function close_group(	name) {
	if (!group) return
	name = program ? program : job_now
	if (tplan < 0)
		fail(name, "truncated: no plan")
	else if (tseen < tplan)
		fail(name, "truncated: " tseen " of " tplan " results")
	group = 0
}
function close_mock() {
	if (mock_part) pass("i915 mock selftest " mock_part)
	mock_part = ""
}
# A WARNING inside resv-expect-warn that is not the expected one.
function drop_pending() {
	if (pending) splat("warning", pending)
	pending = ""
}
function warned(text) {
	if (!framed) { splat("warning", text); return }
	drop_pending()
	if (expects == "*" || index(text, expects)) hit = 1
	else { pending = text; pending_for = 4 }
}

BEGIN { plan = -1; tplan = -1 }

{
	gsub(/\r/, "")
	sub(/^\[ *[0-9]+\.[0-9]+\](\[ *[TC][0-9]+\])? /, "")
	if ($0 ~ /[^ \t]/ && $0 !~ /^resv-host:/) last = $0
}

/^resv-host: timeout/	{ hang = $0; sub(/^resv-host: /, "", hang); next }
/^resv-host:/		{ next }

# Deliberate warnings.
/resv-expect-warn BEGIN/ {
	if (framed) fail("expected warning", "frame for '" expects "' was not closed")
	expects = $0
	sub(/.*resv-expect-warn BEGIN[ \t]*/, "", expects)
	if (expects == "") expects = "*"
	framed = 1; hit = 0; frames++
	next
}
/resv-expect-warn END/ {
	drop_pending()
	if (!framed) fail("expected warning", "an END without a BEGIN")
	else if (!hit) fail("expected warning", "no WARNING for '" expects "'")
	else pass("expected warning " frames ": " expects)
	framed = 0
	next
}
pending {
	if (index($0, expects)) { hit = 1; pending = "" }
	else if (!--pending_for) drop_pending()
}

# Splats, the particular before the general.
/Kernel panic - not syncing/	{ splat("panic", $0); panicked = 1 }
/Oops: |Internal error: |Unable to handle kernel|general protection fault|BUG: unable to handle|BUG: kernel NULL|kernel BUG at|double fault:/ {
	splat("oops", $0); next
}
/BUG: KASAN/			{ splat("kasan", $0); next }
/BUG: KCSAN/			{ splat("kcsan", $0); next }
/UBSAN: /			{ splat("ubsan", $0); next }
/kmemleak: [0-9]+ new suspected memory leaks/	{ splat("kmemleak", $0); next }
/^RESV-LEAKS-END count=/ {
	if ($2 == "count=0") pass("kmemleak")
	else splat("kmemleak", "unreferenced objects: " $2)
	next
}
/WARNING: (possible|suspicious|bad|inconsistent|held lock|lock held|Nested lock|Invalid|.*order detected)|INFO: trying to register non-static key|DEBUG_LOCKS_WARN_ON|BUG: MAX_|BUG: Invalid wait context|turning off the locking correctness validator/ {
	splat("lockdep", $0); next
}
/BUG: sleeping function called|BUG: scheduling while atomic/ { splat("atomic sleep", $0); next }
/INFO: task .* blocked for more than/	{ splat("hung task", $0); next }
/rcu.*(self-detected stall|detected stalls)|soft lockup|hard LOCKUP/ { splat("stall", $0); next }
/^dma-fence-check: expected: /	{ next }
/^dma-fence-check: /		{ splat("fence check", $0); next }
/WARNING: CPU: /		{ sub(/.*WARNING: /, "WARNING: "); warned($0); next }
/(^|[^A-Za-z])BUG:? [^ ]/	{ splat("bug", $0); next }

# The kernel's own dma-buf selftests.
/^dma-buf: Running / {
	if (dmabuf) pass("dma-buf selftest " dmabuf)
	dmabuf = $3
	next
}
/^dma-buf\/.* failed with error|^dma-buf: .* failed with error/ {
	fail("dma-buf selftest " dmabuf, $0); dmabuf = ""; next
}

# i915's mock selftests: one stands for itself if it has no subtests. The first to
# fail is the last to run.
/^i915: Running [^\/]*$/ {
	close_mock()
	mock_now = mock_part = $3
	mock_ran[mock_now] = 1
	next
}
/^i915: Running .*\// {
	if (mock_part != mock_now) close_mock()
	mock_part = mock_now "." $3
	sub(/[^.]*\//, "", mock_part)
	next
}
/^i915\/.*: .* failed (for|with error) / {
	fail("i915 mock selftest " mock_part, $0); mock_part = ""
	next
}

# KUnit: TAP with suites as indented subtests.
/^[ \t]+# Subtest: / {
	if (suite) close_suite(1)
	suite = $0; sub(/.*# Subtest: /, "", suite)
	plan = -1; seen = 0; suite_failed = 0; reason = ""
	next
}
suite && /(EXPECTATION|ASSERTION) FAILED at/ {
	if (!reason) { reason = $0; sub(/^[ \t]*# /, "", reason) }
	next
}
suite && /^[ \t]+1\.\.[0-9]+$/	{ plan = $1; sub(/.*\.\./, "", plan); plan += 0; next }
suite && /^[ \t]+(not )?ok [0-9]+/ {
	bad = $1 == "not"
	name = $0; sub(/^[ \t]+(not )?ok [0-9]+( -)? */, "", name)
	seen++
	if (name ~ /# SKIP/) {
		why = name; sub(/.*# SKIP */, "", why); sub(/ *# SKIP.*/, "", name)
		skip("kunit " suite "." name, why)
	} else if (bad) {
		fail("kunit " suite "." name, reason ? reason : "not ok"); suite_failed = 1
	} else
		pass("kunit " suite "." name)
	reason = ""
	next
}
suite && /^(not )?ok [0-9]+ - / {
	name = $0; sub(/^(not )?ok [0-9]+ - /, "", name)
	if (name == suite) { close_suite($1 == "ok"); next }
}

# The job in the guest, and the programs that it runs.
/^RESV-BEGIN /	{ job_now = $2; begun[$2] = 1; program = ""; next }
/^RESV-MOCK i915 / { mock_result = $3; next }
/^RESV-END / {
	close_group()
	ended[$2] = 1
	if ($3 != "status=0") fail("job " $2, "ended with " $3)
	else if ($2 == job) pass("job " $2)
	job_now = ""
	next
}
!job_now	{ next }
/^RESV-SUITE /	{ close_group(); program = $2; started[program] = 1; next }
/^RESV-SUITE-END / {
	close_group()
	if ($3 != "status=0" && $3 != "status=4") fail($2, "exited with " $3)
	done[$2] = 1; program = ""
	next
}
/^TAP version 13/ {
	close_group()
	group = 1; tplan = -1; tseen = 0
	next
}
group && /^1\.\.[0-9]+/	{ tplan = $1; sub(/.*\.\./, "", tplan); tplan += 0; next }
group && /^Bail out!/	{ fail(program ? program : job_now, $0); next }
group && /^(not )?ok [0-9]+/ {
	bad = $1 == "not"
	name = $0; sub(/^(not )?ok [0-9]+( -)? */, "", name)
	sub(/^\[[A-Z]+\][ \t]*/, "", name)
	tseen++
	full = (program ? program ": " : "") name
	if (name ~ /# SKIP/) {
		why = name; sub(/.*# SKIP */, "", why)
		sub(/ *# SKIP.*/, "", full)
		skip(full, why)
	} else if (bad)
		fail(full, "not ok")
	else
		pass(full)
}

END {
	drop_pending()
	if (dmabuf) pass("dma-buf selftest " dmabuf)
	if (framed) fail("expected warning", "frame for '" expects "' was not closed")
	if (hang)
		fail("hang", hang "; the last line was: " last)
	if (suite) {
		fail("kunit " suite, "truncated: " seen " of " (plan < 0 ? "?" : plan) " cases, then the log ends")
		ran[suite] = 1
	}
	n = split(suites, s, " ")
	for (i = 1; i <= n; i++)
		if (!(s[i] in ran)) fail("kunit " s[i], "missing: the suite did not run")
	if (job in begun) close_mock()
	else if (mock_part) fail("i915 mock selftest " mock_part, "truncated: the log ends")
	# A selftest may fail without a word, but not without this (-ENOTTY is success)
	if (mock && mock_result != -25)
		fail("i915 mock selftests", "they returned " (mock_result == "" ? "nothing" : mock_result))
	n = split(mock, s, " ")
	for (i = 1; i <= n; i++)
		if (!(s[i] in mock_ran)) fail("i915 mock selftest " s[i], "missing: it did not run")
	n = split(programs, s, " ")
	for (i = 1; i <= n; i++)
		if (!(s[i] in done))
			fail(s[i], s[i] in started ? "truncated: it did not end" : "missing: it did not run")
	close_group()
	if (job && !(job in begun))
		fail("job " job, "missing: it did not begin")
	else if (job && !(job in ended) && !hang && !panicked)
		fail("job " job, "truncated: the log ends before its end")
	if (!splats) pass("console: no splat")
	exit failed
}
