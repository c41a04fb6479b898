/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What tests of modesetting share: a device with a screen or several, dumb
 * buffers, and the ways to show one, each a thin wrapper that returns a negative
 * errno.
 */
#ifndef _KMS_H
#define _KMS_H

#include "../dma-buf/dmabuf_util.h"

struct kms {
	int fd;
	__u32 crtc;
	__u32 connector;
	__u32 plane;		/* the primary one of the CRTC */
	__u32 cursor;		/* ... and that of its cursor, or 0 */
	bool atomic;
	struct drm_mode_modeinfo mode;
};

struct kms_fb {
	__u32 handle;
	__u32 id;
	size_t size;
	__u32 *map;
};

/* Look up a property of an object: its id, or 0; @value may be NULL. */
static inline __u32 kms_property(struct kms *kms, __u32 object, __u32 type,
				 const char *name, __u64 *value)
{
	__u32 ids[64];
	__u64 values[64];
	struct drm_mode_obj_get_properties arg = {
		.props_ptr = (uintptr_t)ids,
		.prop_values_ptr = (uintptr_t)values,
		.count_props = 64,
		.obj_id = object,
		.obj_type = type,
	};
	__u32 i;

	if (xioctl(kms->fd, DRM_IOCTL_MODE_OBJ_GETPROPERTIES, &arg))
		return 0;
	for (i = 0; i < arg.count_props && i < 64; i++) {
		struct drm_mode_get_property prop = { .prop_id = ids[i] };

		if (xioctl(kms->fd, DRM_IOCTL_MODE_GETPROPERTY, &prop) ||
		    strcmp(prop.name, name))
			continue;
		if (value)
			*value = values[i];
		return ids[i];
	}

	return 0;
}

static inline int kms_cap(struct kms *kms, __u64 cap)
{
	struct drm_set_client_cap arg = { .capability = cap, .value = 1 };

	return xioctl(kms->fd, DRM_IOCTL_SET_CLIENT_CAP, &arg);
}

/* The mode of that size, or with @width 0 none. */
static inline int kms_find_connector(struct kms *kms, __u32 id, __u32 width,
				     __u32 height)
{
	struct drm_mode_modeinfo modes[128];
	struct drm_mode_get_connector arg = { .connector_id = id };
	__u32 i;
	int ret;

	/* Without room for modes, it probes. */
	ret = xioctl(kms->fd, DRM_IOCTL_MODE_GETCONNECTOR, &arg);
	if (ret)
		return ret;
	if (arg.connection != 1)
		return -ENODEV;
	kms->connector = id;
	if (!width)
		return 0;

	memset(&arg, 0, sizeof(arg));
	arg.connector_id = id;
	arg.modes_ptr = (uintptr_t)modes;
	arg.count_modes = 128;
	ret = xioctl(kms->fd, DRM_IOCTL_MODE_GETCONNECTOR, &arg);
	if (ret)
		return ret;
	for (i = 0; i < arg.count_modes && i < 128; i++) {
		kms->mode = modes[i];
		if (kms->mode.hdisplay == width && kms->mode.vdisplay == height)
			return 0;
	}

	return -ENODEV;
}

/* The planes of the CRTC of that number. */
static inline int kms_find_planes(struct kms *kms, unsigned int nr)
{
	__u32 planes[32], i;
	struct drm_mode_get_plane_res arg = {
		.plane_id_ptr = (uintptr_t)planes,
		.count_planes = 32,
	};
	__u64 type;
	int ret;

	ret = xioctl(kms->fd, DRM_IOCTL_MODE_GETPLANERESOURCES, &arg);
	if (ret)
		return ret;
	kms->plane = 0;
	kms->cursor = 0;
	for (i = 0; i < arg.count_planes && i < 32; i++) {
		struct drm_mode_get_plane plane = { .plane_id = planes[i] };

		if (xioctl(kms->fd, DRM_IOCTL_MODE_GETPLANE, &plane) ||
		    !(plane.possible_crtcs & 1 << nr) ||
		    !kms_property(kms, planes[i], DRM_MODE_OBJECT_PLANE, "type",
				  &type))
			continue;
		if (type == 1 && !kms->plane)
			kms->plane = planes[i];
		if (type == 2 && !kms->cursor)
			kms->cursor = planes[i];
	}

	return kms->plane ? 0 : -ENODEV;
}

/*
 * Open the device of a driver and find its first CRTC, a connected connector
 * and a mode of that size. -ENODEV if there is none of them.
 */
static inline int kms_open(struct kms *kms, const char *driver, __u32 width,
			   __u32 height)
{
	__u32 crtcs[16], connectors[16], i;
	struct drm_mode_card_res res = {
		.crtc_id_ptr = (uintptr_t)crtcs,
		.count_crtcs = 16,
		.connector_id_ptr = (uintptr_t)connectors,
		.count_connectors = 16,
	};
	int ret;

	memset(kms, 0, sizeof(*kms));
	kms->fd = drm_open_fitting(driver, NULL);
	if (kms->fd < 0)
		return kms->fd;

	kms_cap(kms, DRM_CLIENT_CAP_UNIVERSAL_PLANES);
	kms->atomic = !kms_cap(kms, DRM_CLIENT_CAP_ATOMIC);

	ret = xioctl(kms->fd, DRM_IOCTL_MODE_GETRESOURCES, &res);
	if (!ret && (!res.count_crtcs || res.count_crtcs > 16 ||
		     res.count_connectors > 16))
		ret = -ENODEV;
	if (!ret) {
		kms->crtc = crtcs[0];
		ret = kms_find_planes(kms, 0);
	}
	if (!ret) {
		ret = -ENODEV;
		for (i = 0; i < res.count_connectors && ret; i++)
			ret = kms_find_connector(kms, connectors[i], width,
						 height);
	}
	if (ret) {
		close(kms->fd);
		kms->fd = -1;
	}

	return ret;
}

/*
 * The CRTC of that number, and the connector of that number, of a device that is
 * open. Whether something is connected to it doesn't matter.
 */
static inline int kms_head(struct kms *kms, const struct kms *first,
			   unsigned int nr)
{
	__u32 crtcs[16], connectors[16];
	struct drm_mode_card_res res = {
		.crtc_id_ptr = (uintptr_t)crtcs,
		.count_crtcs = 16,
		.connector_id_ptr = (uintptr_t)connectors,
		.count_connectors = 16,
	};
	int ret = xioctl(first->fd, DRM_IOCTL_MODE_GETRESOURCES, &res);

	if (ret)
		return ret;
	if (nr >= res.count_crtcs || res.count_crtcs > 16 ||
	    nr >= res.count_connectors || res.count_connectors > 16)
		return -ENODEV;

	*kms = *first;
	kms->crtc = crtcs[nr];
	kms->connector = connectors[nr];

	return kms_find_planes(kms, nr);
}

/* Buffers */

static inline void kms_fb_fini(struct kms *kms, struct kms_fb *fb)
{
	struct drm_mode_destroy_dumb arg = { .handle = fb->handle };

	if (fb->map)
		munmap(fb->map, fb->size);
	if (fb->id)
		xioctl(kms->fd, DRM_IOCTL_MODE_RMFB, &fb->id);
	if (fb->handle)
		xioctl(kms->fd, DRM_IOCTL_MODE_DESTROY_DUMB, &arg);
	memset(fb, 0, sizeof(*fb));
}

/* For a buffer that is there already: a framebuffer of the mode's size. */
static inline int kms_fb_add(struct kms *kms, struct kms_fb *fb, __u32 pitch)
{
	struct drm_mode_fb_cmd arg = {
		.width = kms->mode.hdisplay,
		.height = kms->mode.vdisplay,
		.pitch = pitch,
		.bpp = 32,
		.depth = 24,
		.handle = fb->handle,
	};
	int ret = xioctl(kms->fd, DRM_IOCTL_MODE_ADDFB, &arg);

	if (!ret)
		fb->id = arg.fb_id;

	return ret;
}

static inline int kms_fb_init(struct kms *kms, struct kms_fb *fb)
{
	struct drm_mode_create_dumb create = {
		.width = kms->mode.hdisplay,
		.height = kms->mode.vdisplay,
		.bpp = 32,
	};
	struct drm_mode_map_dumb map = { 0 };
	void *at;
	int ret;

	memset(fb, 0, sizeof(*fb));
	ret = xioctl(kms->fd, DRM_IOCTL_MODE_CREATE_DUMB, &create);
	if (ret)
		return ret;

	fb->handle = create.handle;
	fb->size = create.size;
	ret = kms_fb_add(kms, fb, create.pitch);
	if (ret)
		goto err;

	map.handle = fb->handle;
	ret = xioctl(kms->fd, DRM_IOCTL_MODE_MAP_DUMB, &map);
	if (ret)
		goto err;
	at = mmap(NULL, fb->size, PROT_READ | PROT_WRITE, MAP_SHARED, kms->fd,
		  map.offset);
	ret = at == MAP_FAILED ? -errno : 0;
	if (ret)
		goto err;
	fb->map = at;

	return 0;

err:
	kms_fb_fini(kms, fb);
	return ret;
}

/* Ways to show one */

/* Without @fb, the screen goes off. */
static inline int kms_setcrtc(struct kms *kms, const struct kms_fb *fb)
{
	struct drm_mode_crtc arg = { .crtc_id = kms->crtc };

	if (fb) {
		arg.set_connectors_ptr = (uintptr_t)&kms->connector;
		arg.count_connectors = 1;
		arg.fb_id = fb->id;
		arg.mode = kms->mode;
		arg.mode_valid = 1;
	}

	return xioctl(kms->fd, DRM_IOCTL_MODE_SETCRTC, &arg);
}

/* An event tells when it is done. */
static inline int kms_flip(struct kms *kms, const struct kms_fb *fb)
{
	struct drm_mode_crtc_page_flip arg = {
		.crtc_id = kms->crtc,
		.fb_id = fb->id,
		.flags = DRM_MODE_PAGE_FLIP_EVENT,
	};

	return xioctl(kms->fd, DRM_IOCTL_MODE_PAGE_FLIP, &arg);
}

/*
 * The same through an atomic commit that doesn't wait. A fence for the plane
 * is given if @in_fence isn't negative, and one for the CRTC asked for if
 * @out_fence isn't NULL.
 */
static inline int kms_commit(struct kms *kms, const struct kms_fb *fb,
			     int in_fence, __s32 *out_fence)
{
	__u32 objects[3], counts[3] = { 1, 1, 1 }, props[3];
	__u64 values[3];
	struct drm_mode_atomic arg = {
		.flags = DRM_MODE_ATOMIC_NONBLOCK | DRM_MODE_PAGE_FLIP_EVENT,
		.objs_ptr = (uintptr_t)objects,
		.count_props_ptr = (uintptr_t)counts,
		.props_ptr = (uintptr_t)props,
		.prop_values_ptr = (uintptr_t)values,
	};
	__u32 n = 0, i;

	objects[n] = kms->plane;
	props[n] = kms_property(kms, kms->plane, DRM_MODE_OBJECT_PLANE, "FB_ID",
				NULL);
	values[n++] = fb->id;
	if (in_fence >= 0) {
		objects[n] = kms->plane;
		props[n] = kms_property(kms, kms->plane, DRM_MODE_OBJECT_PLANE,
					"IN_FENCE_FD", NULL);
		values[n++] = in_fence;
	}
	if (out_fence) {
		*out_fence = -1;
		objects[n] = kms->crtc;
		props[n] = kms_property(kms, kms->crtc, DRM_MODE_OBJECT_CRTC,
					"OUT_FENCE_PTR", NULL);
		values[n++] = (uintptr_t)out_fence;
	}
	for (i = 0; i < n; i++) {
		if (!props[i])
			return -ENOENT;
	}
	arg.count_objs = n;

	return xioctl(kms->fd, DRM_IOCTL_MODE_ATOMIC, &arg);
}

/* Did a flip complete within @ms? Takes the event if it did. */
static inline bool kms_flipped(struct kms *kms, int ms)
{
	union {
		struct drm_event head;
		char room[256];
	} u;

	return wait_events(kms->fd, POLLIN, ms) == POLLIN &&
	       read(kms->fd, &u, sizeof(u)) >= (ssize_t)sizeof(u.head) &&
	       u.head.type == DRM_EVENT_FLIP_COMPLETE;
}

#endif /* _KMS_H */
