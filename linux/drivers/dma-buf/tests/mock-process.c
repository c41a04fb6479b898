// SPDX-License-Identifier: GPL-2.0
/*
 * A process that maps memory of a device, and accesses it. Page tables of the
 * kernel wouldn't do: theirs have no lock of their own, and nothing unmaps them.
 */

#include <linux/anon_inodes.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/sched/mm.h>
#include <linux/uaccess.h>

#include "mock-process.h"

static int mock_file_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct mock_process *process = file->private_data;

	return process->mmap(process, vma);
}

/* Nobody has set up where the process has its mappings */
static unsigned long mock_file_area(struct file *file, unsigned long addr,
				    unsigned long len, unsigned long pgoff,
				    unsigned long flags)
{
	return addr;
}

static const struct file_operations mock_file_ops = {
	.owner = THIS_MODULE,
	.mmap = mock_file_mmap,
	.get_unmapped_area = mock_file_area,
};

/**
 * mock_process_begin - become a process that has a file of a device open
 * @process: the process, with what the device does in @mmap
 *
 * Context: A thread of the kernel.
 * Return: 0 or an error, which is -EOPNOTSUPP for tests that are a module: those
 * can't make an address space.
 */
int mock_process_begin(struct mock_process *process)
{
	struct file *file;

	process->file = NULL;
#ifdef MODULE
	return -EOPNOTSUPP;
#else
	process->mm = mm_alloc();
	if (!process->mm)
		return -ENOMEM;
#endif
	file = anon_inode_getfile("[mock]", &mock_file_ops, process, O_RDWR);
	if (IS_ERR(file)) {
		mmput(process->mm);
		return PTR_ERR(file);
	}

	address_space_init_once(&process->mapping);
	process->mapping.host = file_inode(file);
	file->f_mapping = &process->mapping;
	process->file = file;
	/* If it ends before mock_process_end(), the thread puts this one */
	mmget(process->mm);
	kthread_use_mm(process->mm);

	return 0;
}
EXPORT_SYMBOL_GPL(mock_process_begin);

/**
 * mock_process_end - be no process any more
 * @process: the process
 *
 * What it has mapped is unmapped.
 */
void mock_process_end(struct mock_process *process)
{
	if (!process->file)
		return;

	/* Another thread cleans up after a test case that gave up */
	if (current->mm == process->mm) {
		kthread_unuse_mm(process->mm);
		mmput(process->mm);
	}
	mmput(process->mm);
	process->file->f_mapping = file_inode(process->file)->i_mapping;
	fput(process->file);
	process->file = NULL;
}
EXPORT_SYMBOL_GPL(mock_process_end);

/**
 * mock_process_map - map part of the file, without any page yet
 * @process: the process
 * @addr: where the process has it
 * @first: where it is in the file, in pages
 * @count: how many pages it has
 *
 * Return: 0 or an error.
 */
int mock_process_map(struct mock_process *process, unsigned long addr,
		     pgoff_t first, pgoff_t count)
{
	unsigned long at;

	at = vm_mmap(process->file, addr, count << PAGE_SHIFT,
		     PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
		     first << PAGE_SHIFT);

	return IS_ERR_VALUE(at) ? (int)at : 0;
}
EXPORT_SYMBOL_GPL(mock_process_map);

/**
 * mock_process_access - have a page fault, if the page isn't there
 * @addr: what the process writes to
 *
 * Return: 0 or an error.
 */
int mock_process_access(unsigned long addr)
{
	return put_user(1, (int __user *)addr);
}
EXPORT_SYMBOL_GPL(mock_process_access);
