// SPDX-License-Identifier: GPL-2.0
/*
 * The run-time checker: memory that goes is mapped by no process.
 */

#include <linux/dma-resv-check.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include "dma-fence-check.h"

/* As long as a VMA is in the mapping, its page tables are there */
static bool pages_mapped(struct vm_area_struct *vma, pgoff_t first, pgoff_t last)
{
	unsigned long addr, pfn;
	pgoff_t page;

	first = max(first, vma->vm_pgoff);
	last = min(last, vma->vm_pgoff + vma_pages(vma) - 1);
	for (page = first; page <= last; page++) {
		addr = vma->vm_start + ((page - vma->vm_pgoff) << PAGE_SHIFT);
		if (!follow_pfn(vma, addr, &pfn))
			return true;
		cond_resched();
	}

	return false;
}

void __dma_resv_check_unmapped(struct dma_resv *obj,
			       struct address_space *mapping, pgoff_t first,
			       pgoff_t count, const char *what)
{
	pgoff_t last = first + count - 1;
	struct vm_area_struct *vma;
	bool mapped = false;

	i_mmap_lock_read(mapping);
	vma_interval_tree_foreach(vma, &mapping->i_mmap, first, last) {
		mapped = pages_mapped(vma, first, last);
		if (mapped)
			break;
	}
	i_mmap_unlock_read(mapping);

	if (mapped) {
		struct dma_fence_check_party party = {
			.usage = -1,
			.what = what,
			.stack = dma_fence_check_stack(),
		};

		dma_fence_check_report(DMA_FENCE_CHECK_BUSY_MEMORY, obj, &party,
				       1, "the memory goes while processes have it mapped");
	}
}
EXPORT_SYMBOL_GPL(__dma_resv_check_unmapped);
