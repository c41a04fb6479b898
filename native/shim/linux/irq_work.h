/* SPDX-License-Identifier: GPL-2.0-only */
/* Work that runs soon, in another context: a thread here */
#ifndef NATIVE_IRQ_WORK_H
#define NATIVE_IRQ_WORK_H

#include <linux/list.h>

struct irq_work {
	struct irq_work *next;
	int pending;
	void (*func)(struct irq_work *work);
};

static inline void init_irq_work(struct irq_work *work, void (*func)(struct irq_work *work))
{
	work->next = NULL;
	work->pending = 0;
	work->func = func;
}

bool irq_work_queue(struct irq_work *work);

#endif
