// SPDX-License-Identifier: GPL-2.0-only
/// Find waits for fences where the fence may need the one who waits.
///
/// A prepare_fb hook waits for no rendering, it hands the fences to the commit.
/// Between drm_sched_stop() and drm_sched_start() no job of that scheduler gets
/// any further. And who holds the lock of a dma_resv keeps others from using the
/// buffer, among them who has to signal: wait first, lock, look again. Only
/// memory management waits with the lock held, for KERNEL fences before memory
/// is accessed and for all of them before it moves or goes.
///
//# Hooks are the functions whose names end in prepare_fb. Follows calls of
//# functions in the same file, one level down, but not those with a lock held.
//
// Confidence: Moderate
// Options: --no-includes --include-headers
//
// Keywords: dma_fence_wait, dma_fence_wait_timeout, dma_fence_wait_any_timeout
// Keywords: dma_resv_wait_timeout, drm_gem_dma_resv_wait, ttm_bo_wait

virtual context
virtual org
virtual report

// These only look
@looks@
symbol true;
position l;
@@

(
 dma_resv_wait_timeout@l(..., 0)
|
 dma_fence_wait_timeout@l(..., 0)
|
 dma_fence_wait_any_timeout@l(..., 0, NULL)
|
 ttm_bo_wait@l(..., true)
)

// Somebody moves the memory, and the wait ends or can be interrupted
@moves@
symbol false;
expression obj;
position l;
@@

(
 dma_resv_wait_timeout(obj, DMA_RESV_USAGE_KERNEL, false, MAX_SCHEDULE_TIMEOUT)
|
 dma_resv_wait_timeout@l(obj, DMA_RESV_USAGE_KERNEL, ...)
)

@itself exists@
identifier fn =~ "prepare_fb$";
identifier waits =~ "^(dma_fence_wait(_timeout|_any_timeout)?|dma_resv_wait_timeout|drm_gem_dma_resv_wait|ttm_bo_wait)$";
position p != {looks.l, moves.l};
@@

 fn(...)
 {
 ... when any
* waits@p(...)
 ... when any
 }

@does exists@
identifier fn;
identifier waits =~ "^(dma_fence_wait(_timeout|_any_timeout)?|dma_resv_wait_timeout|drm_gem_dma_resv_wait|ttm_bo_wait)$";
position p != {looks.l, moves.l};
@@

 fn(...)
 {
 ... when any
 waits@p(...)
 ... when any
 }

@hook_calls exists@
identifier hook =~ "prepare_fb$";
identifier does.fn;
position q;
@@

 hook(...)
 {
 ... when any
* fn@q(...)
 ... when any
 }

@stopped exists@
identifier waits =~ "^(dma_fence_wait(_timeout|_any_timeout)?|dma_resv_wait_timeout|drm_gem_dma_resv_wait|ttm_bo_wait)$";
position b, p != looks.l;
@@

 drm_sched_stop@b(...)
 ... when != drm_sched_start(...)
     when any
* waits@p(...)

@stopped_calls exists@
identifier does.fn;
position b, q;
@@

 drm_sched_stop@b(...)
 ... when != drm_sched_start(...)
     when any
* fn@q(...)

@locked exists@
identifier lock =~ "^(dma_resv_lock(_slow)?(_interruptible)?|ttm_bo_reserve|drm_gem_lock_reservations)$";
identifier unlock =~ "^(dma_resv_unlock|ttm_bo_unreserve|drm_gem_unlock_reservations|ttm_eu_backoff_reservation)$";
expression obj;
position b, p != looks.l;
@@

 lock@b(...)
 ... when != unlock(...)
     when any
(
* dma_resv_wait_timeout@p(obj, DMA_RESV_USAGE_WRITE, ...)
|
* dma_resv_wait_timeout@p(obj, DMA_RESV_USAGE_READ, ...)
|
* dma_resv_wait_timeout@p(obj, dma_resv_usage_rw(...), ...)
|
* drm_gem_dma_resv_wait@p(...)
)

// It takes the lock to walk like this
@walk@
symbol false;
iterator name dma_resv_for_each_fence;
expression fence;
position p;
@@

 dma_resv_for_each_fence(..., fence)
 {
 <+...
(
* dma_fence_wait@p(fence, false)
|
* dma_fence_wait_timeout@p(fence, false, MAX_SCHEDULE_TIMEOUT)
)
 ...+>
 }

@script:python depends on report@
p << itself.p;
fn << itself.fn;
@@

coccilib.report.print_report(p[0], "ERROR: %s waits for fences, which is left to the commit" % fn)

@script:python depends on org@
p << itself.p;
@@

cocci.print_main("wait in a prepare_fb hook", p)

@script:python depends on report@
hook << hook_calls.hook;
q << hook_calls.q;
p << does.p;
fn << does.fn;
@@

coccilib.report.print_report(q[0], "ERROR: %s waits for fences by %s on line %s, which is left to the commit" % (hook, fn, p[0].line))

@script:python depends on org@
q << hook_calls.q;
p << does.p;
@@

cocci.print_main("call that waits in a prepare_fb hook", q)
cocci.print_secs("waits", p)

@script:python depends on report@
b << stopped.b;
p << stopped.p;
@@

coccilib.report.print_report(p[0], "ERROR: this waits for a fence, with the scheduler stopped on line %s" % b[0].line)

@script:python depends on org@
b << stopped.b;
p << stopped.p;
@@

cocci.print_main("wait with a stopped scheduler", p)
cocci.print_secs("stop", b)

@script:python depends on report@
b << stopped_calls.b;
q << stopped_calls.q;
p << does.p;
fn << does.fn;
@@

coccilib.report.print_report(q[0], "ERROR: %s waits for a fence on line %s, called with the scheduler stopped on line %s" % (fn, p[0].line, b[0].line))

@script:python depends on org@
b << stopped_calls.b;
q << stopped_calls.q;
p << does.p;
@@

cocci.print_main("call that waits with a stopped scheduler", q)
cocci.print_secs("stop", b)
cocci.print_secs("waits", p)

@script:python depends on report@
b << locked.b;
p << locked.p;
@@

coccilib.report.print_report(p[0], "ERROR: this waits for users of the buffer, with the lock of line %s held" % b[0].line)

@script:python depends on org@
b << locked.b;
p << locked.p;
@@

cocci.print_main("wait with a reservation lock held", p)
cocci.print_secs("lock", b)

@script:python depends on report@
p << walk.p;
@@

coccilib.report.print_report(p[0], "ERROR: this waits without end for a fence of somebody, with the lock held")

@script:python depends on org@
p << walk.p;
@@

cocci.print_main("wait with a reservation lock held", p)
