// SPDX-License-Identifier: GPL-2.0
/*
 * What the run-time checker makes of memory that moves while a process has it
 * mapped: the memory has a few pages in the middle of a file, and the process maps
 * them, or what is around them.
 */

#include <linux/dma-resv-check.h>
#include <linux/gfp.h>
#include <linux/mm.h>

#include "dmabuf-kunit.h"
#include "expect-report.h"
#include "mock-process.h"
#include "resv-fixture.h"

/* In the file, in pages */
#define FIRST		8
#define COUNT		4
#define LAST		(FIRST + COUNT - 1)
#define END		20

/* Where the process has the beginning of the file, once or twice */
#define AT(page)	(0x10000000ul + ((page) << PAGE_SHIFT))
#define AGAIN(page)	(0x20000000ul + ((page) << PAGE_SHIFT))

static struct mock_process process;
static unsigned int reports_before;
/* Whatever page of the file is accessed, it is this one */
static unsigned long page_of_device;

static vm_fault_t device_fault(struct vm_fault *vmf)
{
	return vmf_insert_pfn(vmf->vma, vmf->address,
			      page_to_pfn(virt_to_page(page_of_device)));
}

static const struct vm_operations_struct device_vm_ops = {
	.fault = device_fault,
};

static int device_mmap(struct mock_process *process, struct vm_area_struct *vma)
{
	vma->vm_flags |= VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP;
	vma->vm_ops = &device_vm_ops;

	return 0;
}

static int mapped_init(struct kunit *test)
{
	int ret;

	page_of_device = get_zeroed_page(GFP_KERNEL);
	if (!page_of_device)
		return -ENOMEM;

	reports_before = count_reports();
	process.mmap = device_mmap;
	ret = mock_process_begin(&process);
	if (ret == -EOPNOTSUPP) {
		kunit_info(test, "is for tests that are built in");
		ret = 0;
	}

	return ret ? : resv_fixture_init(test);
}

static void mapped_exit(struct kunit *test)
{
	resv_fixture_exit(test);
	mock_process_end(&process);
	free_page(page_of_device);
	page_of_device = 0;
}

static void map(struct kunit *test, unsigned long addr, pgoff_t first,
		pgoff_t end)
{
	KUNIT_EXPECT_EQ(test, 0,
			mock_process_map(&process, addr, first, end - first));
}

static void access(struct kunit *test, unsigned long addr)
{
	KUNIT_EXPECT_EQ(test, 0, mock_process_access(addr));
}

/* As TTM does it, with the reservation held from here on in real life */
static void unmap(pgoff_t first, pgoff_t end)
{
	unmap_mapping_range(&process.mapping, (loff_t)first << PAGE_SHIFT,
			    (loff_t)(end - first) << PAGE_SHIFT, 1);
}

static void memory_moved(struct kunit *test)
{
	resv_lock(test, resv_obj(test));
	dma_resv_check_unmapped(resv_obj(test), &process.mapping, FIRST, COUNT,
				"was moved");
	dma_resv_unlock(resv_obj(test));
}

static void expect_found(struct kunit *test)
{
	EXPECT_REPORT(test, DMA_FENCE_CHECK_BUSY_MEMORY,
		      "the memory goes while processes have it mapped",
		      memory_moved(test));
}

static void expect_nothing(struct kunit *test)
{
	memory_moved(test);
	KUNIT_EXPECT_EQ(test, count_reports(), reports_before);
}

static void page_is_mapped(struct kunit *test)
{
	pgoff_t page;

	if (!process.file)
		return;

	for (page = FIRST; page <= LAST; page++) {
		map(test, AT(0), 0, END);
		access(test, AT(page));
		expect_found(test);
	}
}

/* The process has the last page and what follows, or the first and what precedes */
static void part_is_mapped(struct kunit *test)
{
	if (!process.file)
		return;

	map(test, AT(0), LAST, END);
	access(test, AT(0));
	expect_found(test);

	map(test, AT(0), 0, FIRST + 1);
	unmap(0, END);
	access(test, AT(FIRST));
	expect_found(test);
}

/* In one place it has no page, in the other one it has */
static void mapped_again(struct kunit *test)
{
	if (!process.file)
		return;

	map(test, AT(0), 0, END);
	map(test, AGAIN(0), 0, END);
	access(test, AGAIN(FIRST));
	expect_found(test);

	unmap(FIRST, LAST + 1);
	access(test, AT(FIRST));
	expect_found(test);
}

/* It was unmapped, and a page fault didn't wait for the end of the move */
static void page_fault_too_early(struct kunit *test)
{
	if (!process.file)
		return;

	map(test, AT(0), 0, END);
	access(test, AT(LAST));
	unmap(FIRST, LAST + 1);
	access(test, AT(LAST));
	expect_found(test);
}

static void others_are_mapped(struct kunit *test)
{
	pgoff_t page;

	if (!process.file)
		return;

	map(test, AT(0), 0, END);
	for (page = 0; page < END; page++)
		if (page < FIRST || page > LAST)
			access(test, AT(page));
	expect_nothing(test);
}

static void never_accessed(struct kunit *test)
{
	if (!process.file)
		return;

	map(test, AT(0), 0, END);
	expect_nothing(test);
}

static void unmapped(struct kunit *test)
{
	pgoff_t page;

	if (!process.file)
		return;

	map(test, AT(0), 0, END);
	map(test, AGAIN(0), FIRST, LAST + 1);
	for (page = 0; page < END; page++)
		access(test, AT(page));
	access(test, AGAIN(0));
	unmap(FIRST, LAST + 1);
	expect_nothing(test);
}

static void mapping_is_gone(struct kunit *test)
{
	if (!process.file)
		return;

	map(test, AT(0), 0, END);
	access(test, AT(FIRST));
	KUNIT_EXPECT_EQ(test, 0, vm_munmap(AT(0), END << PAGE_SHIFT));
	expect_nothing(test);
}

/* Others have no file that is mapped */
static void no_file(struct kunit *test)
{
	if (!process.file)
		return;

	map(test, AT(0), 0, END);
	access(test, AT(FIRST));
	dma_resv_check_unmapped(resv_obj(test), NULL, FIRST, COUNT, "was moved");
	KUNIT_EXPECT_EQ(test, count_reports(), reports_before);
}

static struct kunit_case dma_resv_mapped_cases[] = {
	KUNIT_CASE(page_is_mapped),
	KUNIT_CASE(part_is_mapped),
	KUNIT_CASE(mapped_again),
	KUNIT_CASE(page_fault_too_early),
	KUNIT_CASE(others_are_mapped),
	KUNIT_CASE(never_accessed),
	KUNIT_CASE(unmapped),
	KUNIT_CASE(mapping_is_gone),
	KUNIT_CASE(no_file),
	{}
};

struct kunit_suite dma_resv_mapped_suite = {
	.name = "dma-resv-mapped",
	.init = mapped_init,
	.exit = mapped_exit,
	.test_cases = dma_resv_mapped_cases,
};
