/* SPDX-License-Identifier: GPL-2.0-only */
/* The part of the kernel's lists that fences use */
#ifndef NATIVE_LIST_H
#define NATIVE_LIST_H

#include <linux/compiler.h>

struct list_head { struct list_head *next, *prev; };

/* dma_fence_remove_callback() and the like look without the lock */
static inline void INIT_LIST_HEAD(struct list_head *list)
{
	WRITE_ONCE(list->next, list);
	list->prev = list;
}

static inline bool list_empty(const struct list_head *head)
{
	return READ_ONCE(head->next) == head;
}

static inline void native_list_link(struct list_head *prev, struct list_head *entry,
				    struct list_head *next)
{
	next->prev = entry;
	entry->next = next;
	entry->prev = prev;
	WRITE_ONCE(prev->next, entry);
}

static inline void list_add(struct list_head *entry, struct list_head *head)
{
	native_list_link(head, entry, head->next);
}

static inline void list_add_tail(struct list_head *entry, struct list_head *head)
{
	native_list_link(head->prev, entry, head);
}

static inline void list_del(struct list_head *entry)
{
	entry->next->prev = entry->prev;
	WRITE_ONCE(entry->prev->next, entry->next);
}

static inline void list_del_init(struct list_head *entry)
{
	list_del(entry);
	INIT_LIST_HEAD(entry);
}

static inline void list_replace(struct list_head *old, struct list_head *entry)
{
	entry->next = old->next;
	entry->next->prev = entry;
	entry->prev = old->prev;
	entry->prev->next = entry;
}

#define LIST_HEAD_INIT(name)	{ &(name), &(name) }
#define LIST_HEAD(name)		struct list_head name = LIST_HEAD_INIT(name)

static inline void list_move(struct list_head *entry, struct list_head *head)
{
	list_del(entry);
	list_add(entry, head);
}

static inline void list_move_tail(struct list_head *entry, struct list_head *head)
{
	list_del(entry);
	list_add_tail(entry, head);
}

static inline void list_splice(struct list_head *list, struct list_head *head)
{
	if (list_empty(list))
		return;
	list->prev->next = head->next;
	head->next->prev = list->prev;
	head->next = list->next;
	list->next->prev = head;
}

static inline void list_splice_init(struct list_head *list, struct list_head *head)
{
	list_splice(list, head);
	INIT_LIST_HEAD(list);
}

#define list_entry(p, t, m)	container_of(p, t, m)
#define list_for_each_entry(pos, head, m)				\
	for (pos = list_entry((head)->next, typeof(*pos), m);		\
	     &pos->m != (head);						\
	     pos = list_entry(pos->m.next, typeof(*pos), m))
#define list_first_entry(head, t, m)	list_entry((head)->next, t, m)
#define list_for_each_entry_from(pos, head, m)				\
	for (; &pos->m != (head); pos = list_entry(pos->m.next, typeof(*pos), m))
#define list_for_each_entry_continue(pos, head, m)			\
	for (pos = list_entry(pos->m.next, typeof(*pos), m); &pos->m != (head); \
	     pos = list_entry(pos->m.next, typeof(*pos), m))
#define list_for_each_entry_safe(pos, n, head, m)			\
	for (pos = list_entry((head)->next, typeof(*pos), m),		\
	     n = list_entry(pos->m.next, typeof(*pos), m);		\
	     &pos->m != (head);						\
	     pos = n, n = list_entry(n->m.next, typeof(*n), m))

#endif
