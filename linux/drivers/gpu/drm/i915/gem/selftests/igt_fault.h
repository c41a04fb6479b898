/* SPDX-License-Identifier: MIT */
#ifndef __IGT_FAULT_H__
#define __IGT_FAULT_H__

#include <linux/mm_types.h>

struct drm_i915_gem_object;

/* What a page fault or a debugger does, without a process that has a mapping */
vm_fault_t igt_fault_cpu(struct drm_i915_gem_object *obj);
vm_fault_t igt_fault_gtt(struct drm_i915_gem_object *obj);
int igt_access(struct drm_i915_gem_object *obj, void *buf, int len, int write);

#endif /* __IGT_FAULT_H__ */
