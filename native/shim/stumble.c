// SPDX-License-Identifier: GPL-2.0-only
/*
 * Threads that stumble now and then, so that what happens in between two accesses once
 * in a million times happens often, even with a single processor.
 */
#include <linux/compiler.h>
#include <native.h>
#include <sched.h>
#include <unistd.h>

__thread unsigned int native_steps;
static __thread unsigned int stride;
static __thread u64 state = 88172645463325252ull;

void native_random_seed(u64 seed)
{
	/* Never 0, and not alike for seeds that are */
	state = (seed + 1) * 0x9e3779b97f4a7c15ull | 1;
}

u32 native_random(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;

	return state >> 32;
}

void native_stumble_every(unsigned int steps)
{
	stride = steps;
	native_steps = steps ? 1 + native_random() % (2 * steps) : 0;
}

void native_relax(void)
{
	native_pause();
}

void native_stumble(void)
{
	unsigned int i, what = native_random();

	if (what % 64 == 0)
		usleep(what / 64 % 50);
	else if (what % 4)
		sched_yield();
	else
		for (i = what / 64 % 256; i; --i)
			cpu_relax();
	native_stumble_every(stride);
}
