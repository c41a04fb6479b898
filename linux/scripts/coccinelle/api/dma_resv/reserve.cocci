// SPDX-License-Identifier: GPL-2.0-only
/// Find fences that are added to a struct dma_resv without a slot for them.
///
/// dma_resv_reserve_fences() is the part that can fail. It belongs after the
/// lock, as slots are only kept for as long as the lock is held, and before
/// whatever can't be undone. Without a slot dma_resv_add_fence() warns, and may
/// have to wait for the fence then and there.
///
//# Says nothing about a function that gets the locked object from its caller.
//# Any function in between that is told of the buffer, or sounds as if it made
//# things ready for several of them, counts as one that reserves slots.
//
// Confidence: High
// Options: --no-includes --include-headers
//
// Keywords: dma_resv_add_fence

virtual context
virtual org
virtual report

// The variable that leads to the object
@add@
identifier x, m;
expression E, F, U;
position p;
@@

(
 dma_resv_add_fence@p(x, F, U)
|
 dma_resv_add_fence@p(<+... \(x->m\|x.m\|x[E]\) ...+>, F, U)
)

// Something on a way from the lock to the fence may reserve it
@ready exists@
identifier add.x;
identifier lock =~ "^(dma_resv_(try)?lock|[a-z0-9]+_bo_reserve$|i915_gem_object_lock|i915_vma_lock|drm_gem_lock_reservations)";
identifier unlock =~ "unlock|_unreserve$";
identifier several =~ "reserv|prepare|sync|valid|acquire|attach|parse|slot";
identifier told !~ "^(dma_resv_|dma_fence_|list_|to_|container_of|drm_gem_object_)|unlock|unreserve|_fence(_|$)";
expression F, U;
position p;
@@

 lock(..., <+... x ...+>, ...)
 ... when != unlock(..., <+... x ...+>, ...)
     when any
(
 several(...)
|
 told(..., <+... x ...+>, ...)
)
 ... when != unlock(..., <+... x ...+>, ...)
     when any
 dma_resv_add_fence@p(<+... x ...+>, F, U)

// Nothing does
@none exists@
identifier add.x;
identifier lock =~ "^(dma_resv_(try)?lock|[a-z0-9]+_bo_reserve$|i915_gem_object_lock|i915_vma_lock|drm_gem_lock_reservations)";
identifier unlock =~ "unlock|_unreserve$";
expression F, U;
position p != ready.p, l;
@@

 lock@l(..., <+... x ...+>, ...)
 ... when != unlock(..., <+... x ...+>, ...)
* dma_resv_add_fence@p(<+... x ...+>, F, U)

// Whether there is a slot is for the caller to know
@ignored@
position p;
@@

* dma_resv_reserve_fences@p(...);

// What failed has reserved nothing
@failed exists@
expression O, F, U, N;
local idexpression ret;
position p, r;
@@

(
 if (dma_resv_reserve_fences@r(O, N)) {
	... when != dma_resv_reserve_fences(...)
	    when any
*	dma_resv_add_fence@p(O, F, U)
	... when any
 }
|
 ret = dma_resv_reserve_fences@r(O, N);
 if (\(ret\|ret < 0\|unlikely(ret)\)) {
	... when != dma_resv_reserve_fences(...)
	    when any
*	dma_resv_add_fence@p(O, F, U)
	... when any
 }
)

// What is done under a condition, or in a loop, may be one of several ways
@nested@
expression O, F, U;
statement S;
iterator I;
position p;
@@

(
 if (...) { <+... dma_resv_add_fence@p(O, F, U) ...+> } else S
|
 if (...) S else { <+... dma_resv_add_fence@p(O, F, U) ...+> }
|
 if (...) { <+... dma_resv_add_fence@p(O, F, U) ...+> }
|
 if (...) dma_resv_add_fence@p(O, F, U); else S
|
 if (...) S else dma_resv_add_fence@p(O, F, U);
|
 if (...) dma_resv_add_fence@p(O, F, U);
|
 for (...; ...; ...) { <+... dma_resv_add_fence@p(O, F, U) ...+> }
|
 while (...) { <+... dma_resv_add_fence@p(O, F, U) ...+> }
|
 I(...) { <+... dma_resv_add_fence@p(O, F, U) ...+> }
)

// One slot is good for one fence
@second exists@
expression O, F, G, U, V;
position p1 != nested.p, p2 != nested.p, r;
@@

 dma_resv_reserve_fences@r(O, 1)
 ... when != dma_resv_reserve_fences(...)
     when != dma_resv_add_fence(...)
 dma_resv_add_fence@p1(O, F, U)
 ... when != dma_resv_reserve_fences(...)
     when != dma_resv_add_fence(...)
* dma_resv_add_fence@p2(O, G, V)

// The slot is reserved only under a condition, the fence is added always
@maybe exists@
expression O, F, U, N;
position p != nested.p, l;
identifier lock =~ "^dma_resv_(try)?lock";
@@

 lock@l(O, ...)
 ... when != dma_resv_reserve_fences(...)
     when != dma_resv_unlock(O)
 if (...) {
	... when any
	dma_resv_reserve_fences(O, N)
	... when any
 }
 ... when != dma_resv_reserve_fences(...)
     when != dma_resv_unlock(O)
* dma_resv_add_fence@p(O, F, U)

@script:python depends on report@
l << none.l;
p << none.p;
@@

coccilib.report.print_report(p[0], "ERROR: no slot was reserved for this fence since the lock was taken on line %s" % l[0].line)

@script:python depends on org@
l << none.l;
p << none.p;
@@

cocci.print_main("no slot for this fence", p)
cocci.print_secs("lock", l)

@script:python depends on report@
p << ignored.p;
@@

coccilib.report.print_report(p[0], "ERROR: nobody looks whether the slot was reserved")

@script:python depends on org@
p << ignored.p;
@@

cocci.print_main("result ignored", p)

@script:python depends on report@
r << failed.r;
p << failed.p;
@@

coccilib.report.print_report(p[0], "ERROR: there is no slot for this fence where line %s failed to reserve it" % r[0].line)

@script:python depends on org@
r << failed.r;
p << failed.p;
@@

cocci.print_main("no slot for this fence", p)
cocci.print_secs("failed", r)

@script:python depends on report@
r << second.r;
p1 << second.p1;
p2 << second.p2;
F << second.F;
G << second.G;
@@

# Promoting a fence takes no other slot
if p1[0].line != p2[0].line and F != G:
	coccilib.report.print_report(p2[0], "ERROR: the slot of line %s is already taken by the fence on line %s" % (r[0].line, p1[0].line))

@script:python depends on org@
r << second.r;
p1 << second.p1;
p2 << second.p2;
F << second.F;
G << second.G;
@@

if p1[0].line != p2[0].line and F != G:
	cocci.print_main("no slot for a second fence", p2)
	cocci.print_secs("first", p1)
	cocci.print_secs("one slot", r)

@script:python depends on report@
l << maybe.l;
p << maybe.p;
@@

coccilib.report.print_report(p[0], "ERROR: a slot is reserved only under a condition since the lock was taken on line %s" % l[0].line)

@script:python depends on org@
l << maybe.l;
p << maybe.p;
@@

cocci.print_main("not always a slot for this fence", p)
cocci.print_secs("lock", l)
