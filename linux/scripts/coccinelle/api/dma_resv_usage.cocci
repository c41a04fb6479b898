// SPDX-License-Identifier: GPL-2.0-only
///
/// Convert users of the interface that struct dma_resv had up to Linux 5.10, with
/// one exclusive fence and shared ones, to fences with a usage.
///
/// Where the old code doesn't tell what is meant, the patch takes what loses no
/// dependency, or leaves the code as it is, and says in a comment what there is to
/// decide: look for "dma_resv: decide". What is left needs a person to build, or
/// linux/dma-resv-legacy.h.
///
// Confidence: Moderate
// Options: --no-includes --include-headers
//
// Keywords: dma_resv_add_fence, dma_resv_get_fences, dma_resv_for_each_fence

virtual patch
virtual context
virtual org
virtual report

// ----------------------------------------------------------------------------
// Adding fences

@depends on patch@
expression O, N;
@@

- dma_resv_reserve_shared(O, N)
+ dma_resv_reserve_fences(O, N)

// A function that is told so, perhaps by callers that move memory
@told depends on patch@
expression O, F, E;
local idexpression x;
position p1, p2;
@@

(
if (\(x\|!x\|x & E\)) {
	<+...
	dma_resv_add_excl_fence@p1(O, F);
	...+>
} else {
	<+...
	dma_resv_add_shared_fence@p2(O, F);
	...+>
}
|
if (\(x\|!x\|x & E\)) {
	<+...
	dma_resv_add_shared_fence@p2(O, F);
	...+>
} else {
	<+...
	dma_resv_add_excl_fence@p1(O, F);
	...+>
}
)

@depends on patch@
expression O, F;
position told.p1, told.p2;
@@

(
- dma_resv_add_excl_fence@p1(O, F);
+ /* dma_resv: decide: KERNEL if it was told so for moves and clears */
+ dma_resv_add_fence(O, F, DMA_RESV_USAGE_WRITE);
|
- dma_resv_add_shared_fence@p2(O, F);
+ dma_resv_add_fence(O, F, DMA_RESV_USAGE_READ);
)

// A job that writes or reads: one branch adds its fence as the exclusive one, the
// other as a shared one. Nothing is left to decide.
@job depends on patch@
expression O, F;
position p1, p2;
@@

(
if (...) {
	<+...
	dma_resv_add_excl_fence@p1(O, F);
	...+>
} else {
	<+...
	dma_resv_add_shared_fence@p2(O, F);
	...+>
}
|
if (...) {
	<+...
	dma_resv_add_shared_fence@p2(O, F);
	...+>
} else {
	<+...
	dma_resv_add_excl_fence@p1(O, F);
	...+>
}
)

@depends on patch@
expression O, F;
position job.p1, job.p2;
@@

(
- dma_resv_add_excl_fence@p1(O, F);
+ dma_resv_add_fence(O, F, DMA_RESV_USAGE_WRITE);
|
- dma_resv_add_shared_fence@p2(O, F);
+ dma_resv_add_fence(O, F, DMA_RESV_USAGE_READ);
)

@depends on patch@
expression O, F;
@@

(
+ /* dma_resv: decide: fences that have signaled need not be dropped any more */
  dma_resv_add_excl_fence(O, NULL);
|
- dma_resv_add_excl_fence(O, F);
+ /* dma_resv: decide: KERNEL for moves and clears; and reserve a slot before */
+ dma_resv_add_fence(O, F, DMA_RESV_USAGE_WRITE);
|
- dma_resv_add_shared_fence(O, F);
+ /* dma_resv: decide: BOOKKEEP unless it is a job with implicit synchronization */
+ dma_resv_add_fence(O, F, DMA_RESV_USAGE_READ);
)

// ----------------------------------------------------------------------------
// Waiting. To ask for all fences can mean that user space wants to write, or that
// the memory goes away.

@depends on patch@
expression O, A, I, T;
symbol true, false;
@@

(
- dma_resv_wait_timeout_rcu(O, true, I, T)
+ dma_resv_wait_timeout(O, /* dma_resv: decide: READ for access only */DMA_RESV_USAGE_BOOKKEEP, I, T)
|
- dma_resv_wait_timeout_rcu(O, false, I, T)
+ dma_resv_wait_timeout(O, DMA_RESV_USAGE_WRITE, I, T)
|
- dma_resv_wait_timeout_rcu(O, A, I, T)
+ dma_resv_wait_timeout(O, dma_resv_usage_rw(A), I, T)
|
- dma_resv_test_signaled_rcu(O, true)
+ dma_resv_test_signaled(O, /* dma_resv: decide: READ for access only */DMA_RESV_USAGE_BOOKKEEP)
|
- dma_resv_test_signaled_rcu(O, false)
+ dma_resv_test_signaled(O, DMA_RESV_USAGE_WRITE)
|
- dma_resv_test_signaled_rcu(O, A)
+ dma_resv_test_signaled(O, dma_resv_usage_rw(A))
)

// ----------------------------------------------------------------------------
// TTM: the fence of the last move is gone, moves are KERNEL fences. Buffer objects
// come by value and by pointer, so make one of it for a while.

@depends on patch@
expression B;
@@

- B->moving
+ (*B).moving

@depends on patch@
expression B, R, I;
@@

- if (B.moving)
- 	R = dma_fence_wait(B.moving, I);
+ R = min(dma_resv_wait_timeout(B.base.resv, DMA_RESV_USAGE_KERNEL, I, MAX_SCHEDULE_TIMEOUT), 0L);

@depends on patch@
expression B, R, I;
@@

- if (B.moving) {
- 	R = dma_fence_wait(B.moving, I);
+ 	R = min(dma_resv_wait_timeout(B.base.resv, DMA_RESV_USAGE_KERNEL, I, MAX_SCHEDULE_TIMEOUT), 0L);
  	...
- }

// A function that keeps the fence for a job to wait for
@depends on patch@
expression B, R, A;
identifier f =~ "sync|fence";
@@

- R = f(A, B.moving);
+ {
+ 	struct dma_fence *last_move;
+
+ 	R = dma_resv_get_singleton(B.base.resv, DMA_RESV_USAGE_KERNEL, &last_move);
+ 	if (!R) {
+ 		R = f(A, last_move);
+ 		dma_fence_put(last_move);
+ 	}
+ }

@depends on patch@
expression B, F;
@@

(
- dma_fence_put(B.moving);
|
- if (B.moving)
- 	dma_fence_put(B.moving);
)
- B.moving = dma_fence_get(F);
+ {
+ 	struct dma_fence *last_move = F;
+
+ 	/* dma_resv: decide: reserve a slot before, unless it replaces a weaker one */
+ 	if (last_move)
+ 		dma_resv_add_fence(B.base.resv, last_move, DMA_RESV_USAGE_KERNEL);
+ }

@depends on patch@
expression B;
identifier m =~ "^(moving|base)$";
@@

- (*B).m
+ B->m

// ----------------------------------------------------------------------------
// Getting fences. An array of all has the exclusive one, too.

@depends on patch@
expression O, R, E, N, S;
@@

(
- R = dma_resv_get_fences_rcu(O, NULL, N, S);
+ /* dma_resv: decide: READ if the memory stays, what dma_resv_usage_rw() says for a job */
+ R = dma_resv_get_fences(O, DMA_RESV_USAGE_BOOKKEEP, N, S);
|
- R = dma_resv_get_fences_rcu(O, &E, N, S);
+ /* dma_resv: decide: READ if the memory stays; the array has what was asked for by itself */
+ E = NULL;
+ R = dma_resv_get_fences(O, DMA_RESV_USAGE_BOOKKEEP, N, S);
)

@depends on patch@
expression O, E;
@@

(
- E = dma_resv_get_excl_rcu(O);
+ /* dma_resv: decide: hand on -ENOMEM rather than wait */
+ if (dma_resv_get_singleton(O, DMA_RESV_USAGE_WRITE, &E)) {
+ dma_resv_wait_timeout(O, DMA_RESV_USAGE_WRITE, false, MAX_SCHEDULE_TIMEOUT);
+ }
|
- E = dma_fence_get(dma_resv_get_excl(O));
+ /* dma_resv: decide: hand on -ENOMEM rather than wait */
+ if (dma_resv_get_singleton(O, DMA_RESV_USAGE_WRITE, &E)) {
+ dma_resv_wait_timeout(O, DMA_RESV_USAGE_WRITE, false, MAX_SCHEDULE_TIMEOUT);
+ }
)

// The loop over the shared fences of a locked object
@loop depends on patch@
expression O, L, F;
identifier f, i;
iterator name dma_resv_for_each_fence;
@@

f(...)
{
+ struct dma_resv_iter cursor;
<+...
  L = dma_resv_get_list(O);
  ...
- for (i = 0; i < L->shared_count; \(i++\|++i\))
+ /* dma_resv: decide: READ unless the memory goes away; has the exclusive ones as well */
+ dma_resv_for_each_fence(&cursor, O, DMA_RESV_USAGE_BOOKKEEP, F)
  {
	<...
- 	F = rcu_dereference_protected(L->shared[i], ...);
	...>
  }
...+>
}

// ----------------------------------------------------------------------------
// Reading the members under RCU. A walk without the lock may start over, so this is
// only for what is known to bear that.

// Shared fences first, then the exclusive one: with each the same is done, or nearly
@walk depends on patch@
expression O, L, F, N, E1, E2;
identifier f, i;
iterator name dma_resv_for_each_fence_unlocked;
@@

f(...)
{
+ struct dma_resv_iter cursor;
<+...
- L = rcu_dereference(O->fence);
- if (L) {
- 	...
- 	for (i = 0; i < N; \(i++\|++i\)) {
- 		F = rcu_dereference(L->shared[i]);
- 		E1;
- 	}
- }
- F = rcu_dereference(O->fence_excl);
- if (F)
- 	E2;
+ dma_resv_iter_begin(&cursor, O, /* dma_resv: decide: dma_resv_describe() to print; starts over when the object changes */DMA_RESV_USAGE_BOOKKEEP);
+ dma_resv_for_each_fence_unlocked(&cursor, F) {
+ 	if (dma_resv_iter_usage(&cursor) <= DMA_RESV_USAGE_WRITE)
+ 		E2;
+ 	else
+ 		E1;
+ }
+ dma_resv_iter_end(&cursor);
...+>
}

// The exclusive fence first, then the shared ones, until nothing changes meanwhile
@retry depends on patch@
expression O, L, X, N;
identifier f, g, h, F, i, s, again;
iterator name dma_resv_for_each_fence_unlocked;
@@

f(...)
{
+ struct dma_resv_iter cursor;
+ struct dma_fence *fence;
<+...
- again:
- s = raw_read_seqcount(&O->seq);
- X = g(rcu_dereference(O->fence_excl));
- L = rcu_dereference(O->fence);
- if (L) {
- 	...
- 	for (i = 0; i < N; \(i++\|++i\)) {
- 		struct dma_fence *F = rcu_dereference(L->shared[i]);
- 		X |= h(F);
- 	}
- }
- if (X && read_seqcount_retry(&O->seq, s))
- 	goto again;
+ X = 0;
+ dma_resv_iter_begin(&cursor, O, /* dma_resv: decide: READ unless the memory goes away; there can be several that write */DMA_RESV_USAGE_BOOKKEEP);
+ dma_resv_for_each_fence_unlocked(&cursor, fence) {
+ 	if (dma_resv_iter_is_restarted(&cursor))
+ 		X = 0;
+ 	if (dma_resv_iter_usage(&cursor) <= DMA_RESV_USAGE_WRITE)
+ 		X |= g(fence);
+ 	else
+ 		X |= h(fence);
+ }
+ dma_resv_iter_end(&cursor);
...+>
}

@count depends on patch@
expression O, L, X;
identifier f;
iterator name dma_resv_for_each_fence_unlocked;
@@

f(...)
{
+ struct dma_resv_iter cursor;
+ struct dma_fence *fence;
<+...
- L = rcu_dereference(O->fence);
- X = L ? L->shared_count : 0;
+ X = 0;
+ dma_resv_iter_begin(&cursor, O, /* dma_resv: decide: READ to count jobs only */DMA_RESV_USAGE_BOOKKEEP);
+ dma_resv_for_each_fence_unlocked(&cursor, fence) {
+ 	if (dma_resv_iter_is_restarted(&cursor))
+ 		X = 0;
+ 	if (dma_resv_iter_usage(&cursor) > DMA_RESV_USAGE_WRITE)
+ 		X++;
+ }
+ dma_resv_iter_end(&cursor);
...+>
}

@depends on walk || retry || count@
identifier L;
@@

{
  ...
- struct dma_resv_list *L;
  ... when != L
}

@depends on retry@
identifier retry.s;
@@

- unsigned int s;
  ... when != s

// ----------------------------------------------------------------------------
// What is left for a person

@depends on patch@
struct dma_resv_list *L;
expression O;
@@

(
- L = dma_resv_get_list(O)
+ /* dma_resv: decide: dma_resv_for_each_fence() instead */L = dma_resv_get_list(O)
|
- L = rcu_dereference(O->fence)
+ /* dma_resv: decide: dma_resv_for_each_fence_unlocked() instead */L = rcu_dereference(O->fence)
|
- rcu_dereference(O->fence_excl)
+ /* dma_resv: decide: dma_resv_for_each_fence_unlocked() instead */rcu_dereference(O->fence_excl)
)

@depends on patch@
expression O;
@@

(
- dma_resv_get_excl(O)
+ /* dma_resv: decide: a walk of the WRITE query, or dma_resv_get_singleton() */dma_resv_get_excl(O)
|
- dma_resv_get_excl_rcu(O)
+ /* dma_resv: decide: dma_resv_get_singleton(), which can fail */dma_resv_get_excl_rcu(O)
)

@depends on patch@
@@

- dma_resv_get_fences_rcu
+ /* dma_resv: decide: dma_resv_get_fences() */dma_resv_get_fences_rcu
  (...)

// ----------------------------------------------------------------------------

@old depends on !patch@
position p;
expression O;
@@

(
* dma_resv_reserve_shared@p(...)
|
* dma_resv_add_excl_fence@p(...)
|
* dma_resv_add_shared_fence@p(...)
|
* dma_resv_get_excl@p(...)
|
* dma_resv_get_excl_rcu@p(...)
|
* dma_resv_get_list@p(...)
|
* dma_resv_get_fences_rcu@p(...)
|
* dma_resv_wait_timeout_rcu@p(...)
|
* dma_resv_test_signaled_rcu@p(...)
|
* rcu_dereference@p(O->fence_excl)
)

@script:python depends on report@
p << old.p;
@@

coccilib.report.print_report(p[0], "WARNING: the fences of a dma_resv have a usage")

@script:python depends on org@
p << old.p;
@@

coccilib.org.print_todo(p[0], "WARNING: the fences of a dma_resv have a usage")
