/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A process that maps memory of a device, and accesses it.
 */
#ifndef _DMABUF_TESTS_MOCK_PROCESS_H
#define _DMABUF_TESTS_MOCK_PROCESS_H

#include <linux/fs.h>

struct mm_struct;
struct vm_area_struct;

/**
 * struct mock_process - the thread of a test case, as a process
 * @mapping: the mappings of its file
 * @mmap: what the device does when it is mapped
 * @file: the file of the device, if the rest is valid
 * @mm: its address space
 */
struct mock_process {
	struct address_space mapping;
	int (*mmap)(struct mock_process *process, struct vm_area_struct *vma);
	struct file *file;
	struct mm_struct *mm;
};

int mock_process_begin(struct mock_process *process);
void mock_process_end(struct mock_process *process);

int mock_process_map(struct mock_process *process, unsigned long addr,
		     pgoff_t first, pgoff_t count);
int mock_process_access(unsigned long addr);

#endif /* _DMABUF_TESTS_MOCK_PROCESS_H */
