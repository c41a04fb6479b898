/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Have allocations fail in the functions under test.
 */
#ifndef _DMABUF_TESTS_OOM_INJECT_H
#define _DMABUF_TESTS_OOM_INJECT_H

#include <linux/types.h>

int oom_inject_start(void);
void oom_inject_stop(void);

void oom_inject_arm(unsigned int nth, bool all_after);
void oom_inject_arm_checker(void);
unsigned int oom_inject_disarm(unsigned int *seen);

#endif /* _DMABUF_TESTS_OOM_INJECT_H */
