// SPDX-License-Identifier: GPL-2.0-only
/// Find fences of a struct dma_resv that are added or asked for with a usage
/// that can't be meant.
///
/// The usage of a job's own fence is what the job does: WRITE or READ. What the
/// job waits for is the other way around, and dma_resv_usage_rw() knows it: who
/// writes waits for the READ query, who reads for the WRITE query. The BOOKKEEP
/// query, which is everything, is for memory that is about to go; jobs don't
/// wait for it.
///
//# Tells by its name whether a condition means to write.
//
// Confidence: High
// Options: --no-includes --include-headers
//
// Keywords: dma_resv_usage_rw, dma_resv_add_fence, dma_resv_wait_timeout,
// Keywords: dma_resv_test_signaled, dma_resv_get_fences,
// Keywords: dma_resv_get_singleton, dma_resv_iter_begin

virtual context
virtual org
virtual report

// ----------------------------------------------------------------------------
// A truth value, as older interfaces have it, is not a usage

@flag@
typedef bool;
symbol true, false;
idexpression bool b;
expression E, E1, O, F;
identifier query =~ "^dma_resv_(wait_timeout|test_signaled|get_fences|get_singleton)$";
position p;
@@

(
* query@p(O, \(true\|false\|b\|!E\|E == E1\|E != E1\|E && E1\|E || E1\|E & E1\|0\|1\), ...)
|
* dma_resv_iter_begin@p(E, O, \(true\|false\|b\|!E\|E == E1\|E != E1\|E && E1\|E || E1\|E & E1\|0\|1\))
|
* dma_resv_add_fence@p(O, F, \(true\|false\|b\|!E\|E == E1\|E != E1\|E && E1\|E || E1\|E & E1\|0\|1\))
)

// ----------------------------------------------------------------------------
// The usage of one's own fence is not what to wait for, nor the other way around

@added@
expression O, F, E;
identifier w =~ "(?i)^(?!.*(read|no|not|ro)).*(^|_)writ";
position p;
@@

* dma_resv_add_fence@p(O, F,
 \(dma_resv_usage_rw(E)
 \|w ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE
 \|E->w ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE
 \|(E & w) ? DMA_RESV_USAGE_READ : DMA_RESV_USAGE_WRITE
 \))

@addedlater exists@
expression O, F, E, E1;
identifier u;
position p;
@@

(
 u = dma_resv_usage_rw(E);
|
 enum dma_resv_usage u = dma_resv_usage_rw(E);
)
 ... when != u = E1
* dma_resv_add_fence@p(O, F, u)

@asked@
expression O, E, C;
identifier query =~ "^dma_resv_(wait_timeout|test_signaled|get_fences|get_singleton)$";
identifier w =~ "(?i)^(?!.*(read|no|not|ro)).*(^|_)writ";
position p;
@@

(
* query@p(O,
 \(w ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ
 \|E->w ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ
 \|(E & w) ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ
 \), ...)
|
* dma_resv_iter_begin@p(C, O,
 \(w ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ
 \|E->w ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ
 \|(E & w) ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ
 \))
)

@askedlater exists@
expression O, E, E1, C;
identifier u;
identifier query =~ "^dma_resv_(wait_timeout|test_signaled|get_fences|get_singleton)$";
identifier w =~ "(?i)^(?!.*(read|no|not|ro)).*(^|_)writ";
position p;
@@

(
 u = \(w ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ
     \|E->w ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ
     \|(E & w) ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ
     \);
|
 enum dma_resv_usage u = \(w ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ
     \|E->w ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ
     \|(E & w) ? DMA_RESV_USAGE_WRITE : DMA_RESV_USAGE_READ
     \);
)
 ... when != u = E1
(
* query@p(O, u, ...)
|
* dma_resv_iter_begin@p(C, O, u)
)

@told@
expression E;
identifier w =~ "(?i)^(?!.*(read|no|not|ro)).*(^|_)writ";
identifier r =~ "(?i)^(?!.*(writ|no|not)).*(^|_)read";
position p;
@@

* dma_resv_usage_rw@p(\(!w\|!E->w\|!(E & w)\|r\|E->r\|(E & r)\))

// ----------------------------------------------------------------------------
// What takes no part in implicit synchronization is not waited for by jobs

@submit exists@
expression O, F, C;
identifier query =~ "^dma_resv_(wait_timeout|get_fences|get_singleton)$";
position p, q;
@@

(
 query@p(O, DMA_RESV_USAGE_BOOKKEEP, ...)
|
 dma_resv_iter_begin@p(C, O, DMA_RESV_USAGE_BOOKKEEP)
)
 ... when != dma_resv_unlock(O)
* dma_resv_add_fence@q(O, F, \(DMA_RESV_USAGE_READ\|DMA_RESV_USAGE_WRITE\))

@walk exists@
expression O, F, C, N;
iterator name dma_resv_for_each_fence;
statement S;
position p, q;
@@

 dma_resv_for_each_fence@p(C, O, DMA_RESV_USAGE_BOOKKEEP, N) S
 ... when != dma_resv_unlock(O)
* dma_resv_add_fence@q(O, F, \(DMA_RESV_USAGE_READ\|DMA_RESV_USAGE_WRITE\))

// ----------------------------------------------------------------------------
// Before memory goes, everything on it is complete

@fini exists@
expression O, E;
position p;
@@

* dma_resv_wait_timeout@p(O, \(DMA_RESV_USAGE_KERNEL\|DMA_RESV_USAGE_WRITE\|DMA_RESV_USAGE_READ\|dma_resv_usage_rw(...)\), E, MAX_SCHEDULE_TIMEOUT)
 ... when != dma_resv_wait_timeout(O, DMA_RESV_USAGE_BOOKKEEP, ...)
     when != dma_resv_test_signaled(O, DMA_RESV_USAGE_BOOKKEEP)
 dma_resv_fini(O)

@callback@
identifier ops, fn;
@@

(
 struct drm_gem_object_funcs ops = { .free = fn, };
|
 struct drm_driver ops = { .gem_free_object_unlocked = fn, };
|
 struct mmu_interval_notifier_ops ops = { .invalidate = fn, };
|
 struct mmu_notifier_ops ops = { .invalidate_range_start = fn, };
)

@gone@
identifier callback.fn;
identifier query =~ "^dma_resv_(wait_timeout|test_signaled)$";
expression O;
position p;
@@

 fn(...)
 {
 <+...
* query@p(O, \(DMA_RESV_USAGE_KERNEL\|DMA_RESV_USAGE_WRITE\|DMA_RESV_USAGE_READ\|dma_resv_usage_rw(...)\), ...)
 ...+>
 }

// ----------------------------------------------------------------------------

@script:python depends on report@
p << flag.p;
@@

coccilib.report.print_report(p[0], "ERROR: this is a truth value where an enum dma_resv_usage belongs")

@script:python depends on org@
p << flag.p;
@@

cocci.print_main("truth value instead of a usage", p)

@script:python depends on report@
p << added.p;
@@

coccilib.report.print_report(p[0], "ERROR: a fence is added with the usage that its job has to wait for")

@script:python depends on org@
p << added.p;
@@

cocci.print_main("added with the usage to wait for", p)

@script:python depends on report@
p << addedlater.p;
@@

coccilib.report.print_report(p[0], "ERROR: a fence is added with the usage that its job has to wait for")

@script:python depends on org@
p << addedlater.p;
@@

cocci.print_main("added with the usage to wait for", p)

@script:python depends on report@
p << asked.p;
@@

coccilib.report.print_report(p[0], "ERROR: a query for the usage of one's own fence, see dma_resv_usage_rw()")

@script:python depends on org@
p << asked.p;
@@

cocci.print_main("query for the usage of one's own fence", p)

@script:python depends on report@
p << askedlater.p;
@@

coccilib.report.print_report(p[0], "ERROR: a query for the usage of one's own fence, see dma_resv_usage_rw()")

@script:python depends on org@
p << askedlater.p;
@@

cocci.print_main("query for the usage of one's own fence", p)

@script:python depends on report@
p << told.p;
@@

coccilib.report.print_report(p[0], "ERROR: dma_resv_usage_rw() is to be told whether the buffer is written")

@script:python depends on org@
p << told.p;
@@

cocci.print_main("dma_resv_usage_rw() told the opposite", p)

@script:python depends on report@
p << submit.p;
q << submit.q;
@@

coccilib.report.print_report(p[0], "ERROR: the job on line %s waits for fences that take no part in implicit synchronization" % q[0].line)

@script:python depends on org@
p << submit.p;
q << submit.q;
@@

cocci.print_main("job waits for BOOKKEEP", p)
cocci.print_secs("job", q)

@script:python depends on report@
p << walk.p;
q << walk.q;
@@

coccilib.report.print_report(p[0], "ERROR: the job on line %s waits for fences that take no part in implicit synchronization" % q[0].line)

@script:python depends on org@
p << walk.p;
q << walk.q;
@@

cocci.print_main("job waits for BOOKKEEP", p)
cocci.print_secs("job", q)

@script:python depends on report@
p << fini.p;
@@

coccilib.report.print_report(p[0], "ERROR: before memory is freed everything on it has to be complete, DMA_RESV_USAGE_BOOKKEEP")

@script:python depends on org@
p << fini.p;
@@

cocci.print_main("freed before everything is complete", p)

@script:python depends on report@
p << gone.p;
fn << callback.fn;
@@

coccilib.report.print_report(p[0], "ERROR: when %s is done the memory is gone, so it has to wait for DMA_RESV_USAGE_BOOKKEEP" % fn)

@script:python depends on org@
p << gone.p;
@@

cocci.print_main("gone before everything is complete", p)
