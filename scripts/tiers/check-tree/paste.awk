# Half an implementation of the two ioctls, as some trees of boards have it: export only,
# by functions that take a bool, and a number without its structure. -v part=FILE
part == "uapi" && /^#endif/ && !done {
	print "struct dma_buf_export_sync_file {"
	print "\t__u32 flags;"
	print "\t__s32 fd;"
	print "};"
	print ""
	print "#define DMA_BUF_IOCTL_EXPORT_SYNC_FILE\t_IOWR(DMA_BUF_BASE, 2, struct dma_buf_export_sync_file)"
	print "#define DMA_BUF_IOCTL_IMPORT_SYNC_FILE\t_IOW(DMA_BUF_BASE, 3, struct dma_buf_import_sync_file)"
	print ""
	done = 1
}
part == "header" && /^int dma_resv_copy_fences/ {
	print "int dma_resv_get_singleton(struct dma_resv *obj, bool write,"
	print "\t\t\t   struct dma_fence **fence);"
	print ""
}
part == "ioctl" && /^static long dma_buf_ioctl\(/ {
	print "static long dma_buf_export_sync_file(struct dma_buf *dmabuf, void __user *user)"
	print "{"
	print "\tstruct dma_buf_export_sync_file arg;"
	print "\tstruct dma_fence *fence;"
	print "\tint ret;"
	print ""
	print "\tif (copy_from_user(&arg, user, sizeof(arg)))"
	print "\t\treturn -EFAULT;"
	print "\tret = dma_resv_get_singleton(dmabuf->resv, arg.flags & DMA_BUF_SYNC_WRITE, &fence);"
	print "\treturn ret ? ret : -ENOSYS;"
	print "}"
	print ""
}
{ print }
part == "ioctl" && /^\tcase DMA_BUF_SET_NAME_B:/ { label = 1 }
part == "ioctl" && label && /return dma_buf_set_name/ {
	print ""
	print "\tcase DMA_BUF_IOCTL_EXPORT_SYNC_FILE:"
	print "\t\treturn dma_buf_export_sync_file(dmabuf, (void __user *)arg);"
	label = 0
}
part == "core" && /^EXPORT_SYMBOL_GPL\(dma_resv_get_fences_rcu\);/ {
	print ""
	print "int dma_resv_get_singleton(struct dma_resv *obj, bool write,"
	print "\t\t\t   struct dma_fence **fence)"
	print "{"
	print "\t*fence = write ? NULL : dma_resv_get_excl_rcu(obj);"
	print "\treturn 0;"
	print "}"
	print "EXPORT_SYMBOL_GPL(dma_resv_get_singleton);"
}
