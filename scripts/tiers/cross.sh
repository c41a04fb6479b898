# shellcheck shell=bash
# Drivers that an x86 kernel can't have build for ARM at the end of the series,
# and so do the GPU drivers where pointers have another size: no error, no warning
# in a file of ours. Of displays that the series doesn't touch, it is only the file
# with their planes, which is what uses the helpers.
# depends: tree kernel:cross-arm64 kernel:cross-arm
. "$RESV_TOP/scripts/lib/check.sh"
need cross

drm=drivers/gpu/drm
core=(drivers/dma-buf/ $drm/drm_{gem,gem_framebuffer_helper,prime,syncobj,atomic_helper}.o)
gpus=($drm/{etnaviv,lima,panfrost,v3d,vc4,msm}/)

check_for cross-arm64
check_out HEAD
build_dirs arm64-core "${core[@]}"
build_dirs arm64-gpus "${gpus[@]}"
build_dirs arm64-displays $drm/tegra/ $drm/rockchip/rockchip_drm_vop.o \
	$drm/mediatek/mtk_drm_plane.o $drm/meson/meson_{plane,overlay}.o \
	$drm/sun4i/{sun4i,sun8i_ui,sun8i_vi}_layer.o $drm/mxsfb/mxsfb_kms.o \
	$drm/imx/dcss/dcss-plane.o $drm/exynos/exynos_drm_plane.o \
	$drm/hisilicon/kirin/kirin_drm_ade.o $drm/xlnx/zynqmp_disp.o \
	$drm/zte/zx_plane.o $drm/tidss/tidss_plane.o $drm/rcar-du/rcar_du_{plane,vsp}.o \
	$drm/arm/{hdlcd_crtc,malidp_planes}.o $drm/arm/display/komeda/komeda_plane.o

check_for cross-arm
check_out HEAD
build_dirs arm-core "${core[@]}"
build_dirs arm-gpus "${gpus[@]}"
build_dirs arm-displays $drm/armada/ $drm/omapdrm/ $drm/atmel-hlcdc/ \
	$drm/imx/ipuv3-plane.o $drm/stm/ltdc.o $drm/sti/sti_{gdp,cursor,hqvdp}.o \
	$drm/tilcdc/tilcdc_plane.o $drm/fsl-dcu/fsl_dcu_drm_plane.o \
	$drm/pl111/pl111_display.o $drm/tve200/tve200_display.o $drm/mcde/mcde_display.o \
	$drm/aspeed/aspeed_gfx_crtc.o $drm/arc/arcpgu_crtc.o $drm/ingenic/ingenic-drm-drv.o
