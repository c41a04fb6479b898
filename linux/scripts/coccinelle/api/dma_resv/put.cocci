// SPDX-License-Identifier: GPL-2.0-only
/// Find fences that were got from a struct dma_resv and are not put.
///
/// dma_resv_get_singleton() and dma_resv_get_fences() hand out references, and
/// the latter an array; both are the caller's. A walk without the lock holds
/// references until dma_resv_iter_end(), also when it is left early.
///
//# Says nothing if the fence was given to anybody but those who only wait.
//
// Confidence: High
// Options: --no-includes --include-headers
//
// Keywords: dma_resv_get_singleton, dma_resv_get_fences,
// Keywords: dma_resv_for_each_fence_unlocked

virtual context
virtual org
virtual report

// Waiting for a fence, or looking at it, keeps it
@looks@
identifier f;
identifier look =~ "^dma_fence_(wait|wait_timeout|is_signaled|get_status|enable_sw_signaling)$";
position p;
@@

 look(f@p, ...)

@got exists@
identifier f, ret, label;
identifier get =~ "^dma_resv_get_(singleton|fences)$";
type T;
position p, q, l != looks.p;
@@

(
 ret = get@p(..., &f);
 if (\(ret\|ret < 0\|ret != 0\|unlikely(ret)\)) { ... return ...; }
|
 ret = get@p(..., &f);
 if (\(ret\|ret < 0\|ret != 0\|unlikely(ret)\)) goto label;
|
 T ret = get@p(..., &f);
 if (\(ret\|ret < 0\|ret != 0\|unlikely(ret)\)) { ... return ...; }
|
 if (get@p(..., &f)) { ... return ...; }
)
 ... when != f@l
     when any
* return@q ...;

// ... nor when that goes in which they were put
@freed exists@
local idexpression e;
identifier ret, label, m;
identifier get =~ "^dma_resv_get_(singleton|fences)$";
identifier fn !~ "^INIT_|^init_";
position p, q;
@@

(
 ret = get@p(..., &e->m);
 if (\(ret\|ret < 0\|ret != 0\|unlikely(ret)\)) { ... return ...; }
|
 ret = get@p(..., &e->m);
 if (\(ret\|ret < 0\|ret != 0\|unlikely(ret)\)) goto label;
)
 ... when != e->m
     when != fn(..., e, ...)
     when any
* kfree@q(e);

@walk exists@
expression c;
expression f;
iterator name dma_resv_for_each_fence_unlocked;
position p, q;
@@

 dma_resv_for_each_fence_unlocked@p(&c, f) {
	... when != dma_resv_iter_end(&c)
	    when any
*	return@q ...;
 }

@script:python depends on report@
p << got.p;
q << got.q;
f << got.f;
@@

coccilib.report.print_report(q[0], "ERROR: what line %s put in %s is not put here" % (p[0].line, f))

@script:python depends on org@
p << got.p;
q << got.q;
@@

cocci.print_main("fence not put", q)
cocci.print_secs("got", p)

@script:python depends on report@
p << freed.p;
q << freed.q;
e << freed.e;
m << freed.m;
@@

coccilib.report.print_report(q[0], "ERROR: what line %s put in %s->%s goes with it and was not put" % (p[0].line, e, m))

@script:python depends on org@
p << freed.p;
q << freed.q;
@@

cocci.print_main("fence not put", q)
cocci.print_secs("got", p)

@script:python depends on report@
p << walk.p;
q << walk.q;
@@

coccilib.report.print_report(q[0], "ERROR: the walk that begins on line %s is left without dma_resv_iter_end()" % p[0].line)

@script:python depends on org@
p << walk.p;
q << walk.q;
@@

cocci.print_main("walk left without dma_resv_iter_end()", q)
cocci.print_secs("walk", p)
