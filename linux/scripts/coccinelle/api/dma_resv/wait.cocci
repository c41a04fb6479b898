// SPDX-License-Identifier: GPL-2.0-only
/// Find waits for a struct dma_resv whose result is taken for something else.
///
/// dma_resv_wait_timeout() returns what is left of the timeout when everything
/// is complete, 0 when time ran out, and an error below 0. It is a long: with
/// MAX_SCHEDULE_TIMEOUT an int makes an error of the success.
///
// Confidence: High
// Options: --no-includes --include-headers
//
// Keywords: dma_resv_wait_timeout

virtual context
virtual org
virtual report

@narrow@
local idexpression int r;
position p;
@@

* r = dma_resv_wait_timeout@p(..., MAX_SCHEDULE_TIMEOUT)

@returned@
identifier fn;
position p;
@@

 int fn(...)
 {
 <+...
* return dma_resv_wait_timeout@p(...);
 ...+>
 }

@taken@
local idexpression r;
position p;
@@

* r = dma_resv_wait_timeout@p(...);
 if (\(r\|r != 0\|unlikely(r)\)) { ... return r; }

@script:python depends on report@
p << narrow.p;
@@

coccilib.report.print_report(p[0], "ERROR: what is left of MAX_SCHEDULE_TIMEOUT does not fit into an int")

@script:python depends on org@
p << narrow.p;
@@

cocci.print_main("timeout does not fit", p)

@script:python depends on report@
p << returned.p;
@@

coccilib.report.print_report(p[0], "ERROR: what is left of the timeout is returned as an int")

@script:python depends on org@
p << returned.p;
@@

cocci.print_main("timeout does not fit", p)

@script:python depends on report@
p << taken.p;
@@

coccilib.report.print_report(p[0], "ERROR: what is left of the timeout is taken for an error")

@script:python depends on org@
p << taken.p;
@@

cocci.print_main("success taken for an error", p)
