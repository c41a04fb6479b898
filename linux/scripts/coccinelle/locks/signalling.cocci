// SPDX-License-Identifier: GPL-2.0-only
/// Find what may not be done in a section that leads to the completion of a fence.
///
/// Memory reclaim waits for fences. Between dma_fence_begin_signalling() and
/// dma_fence_end_signalling() nothing may therefore allocate in a way that waits
/// for reclaim, wait for another fence, or take a lock under which others do.
///
//# Follows calls of functions in the same file, one level down. What a function
//# of another file does is left to lockdep.
//
// Confidence: High
// Options: --no-includes --include-headers
//
// Keywords: dma_fence_begin_signalling, dma_fence_end_signalling

virtual context
virtual org
virtual report

@inside exists@
identifier gfp =~ "^GFP_(KERNEL(_ACCOUNT)?|USER|HIGHUSER(_MOVABLE)?|NOFS|NOIO)$";
identifier waits =~ "^(dma_fence_wait(_timeout|_any_timeout)?|dma_resv_wait_timeout|dma_resv_lock(_slow)?(_interruptible)?|dma_resv_reserve_fences|dma_resv_get_fences|dma_resv_get_singleton|dma_resv_copy_fences|drm_gem_lock_reservations|drm_gem_dma_resv_wait|ttm_bo_reserve|ttm_bo_wait|mmap_(read|write)_lock|copy_(from|to)_user|get_user_pages(_fast)?|pin_user_pages(_fast)?)$";
position b, p;
@@

 dma_fence_begin_signalling@b()
 ... when != dma_fence_end_signalling(...)
     when any
(
* gfp@p
|
* waits@p(...)
)

@does exists@
identifier fn;
identifier gfp =~ "^GFP_(KERNEL(_ACCOUNT)?|USER|HIGHUSER(_MOVABLE)?|NOFS|NOIO)$";
identifier waits =~ "^(dma_fence_wait(_timeout|_any_timeout)?|dma_resv_wait_timeout|dma_resv_lock(_slow)?(_interruptible)?|dma_resv_reserve_fences|dma_resv_get_fences|dma_resv_get_singleton|dma_resv_copy_fences|drm_gem_lock_reservations|drm_gem_dma_resv_wait|ttm_bo_reserve|ttm_bo_wait|mmap_(read|write)_lock|copy_(from|to)_user|get_user_pages(_fast)?|pin_user_pages(_fast)?)$";
position p;
@@

 fn(...)
 {
 ... when any
(
 gfp@p
|
 waits@p(...)
)
 ... when any
 }

@calls exists@
identifier does.fn;
position b, q;
@@

 dma_fence_begin_signalling@b()
 ... when != dma_fence_end_signalling(...)
     when any
* fn@q(...)

// A section that is only sometimes one is ended under the same condition
@sometimes@
position b;
@@

 if (...) {
	<+... dma_fence_begin_signalling@b() ...+>
 }

// The section is left open, and lockdep takes all that follows for part of it
@open exists@
position b != sometimes.b, p;
@@

 dma_fence_begin_signalling@b()
 ... when != dma_fence_end_signalling(...)
* return@p ...;

@script:python depends on report@
b << inside.b;
p << inside.p;
@@

coccilib.report.print_report(p[0], "ERROR: this may wait for memory or a fence, inside the signalling section that begins on line %s" % b[0].line)

@script:python depends on org@
b << inside.b;
p << inside.p;
@@

cocci.print_main("may wait inside a signalling section", p)
cocci.print_secs("begin", b)

@script:python depends on report@
b << calls.b;
q << calls.q;
p << does.p;
fn << does.fn;
@@

coccilib.report.print_report(q[0], "ERROR: %s may wait for memory or a fence on line %s, called inside the signalling section that begins on line %s" % (fn, p[0].line, b[0].line))

@script:python depends on org@
b << calls.b;
q << calls.q;
p << does.p;
@@

cocci.print_main("call that may wait inside a signalling section", q)
cocci.print_secs("begin", b)
cocci.print_secs("waits", p)

@script:python depends on report@
b << open.b;
p << open.p;
@@

coccilib.report.print_report(p[0], "ERROR: the signalling section that begins on line %s is not ended here" % b[0].line)

@script:python depends on org@
b << open.b;
p << open.p;
@@

cocci.print_main("signalling section not ended", p)
cocci.print_secs("begin", b)
