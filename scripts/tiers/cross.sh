# shellcheck shell=bash
# Drivers that an x86 kernel can't have build for ARM at the end of the series,
# and so do the GPU drivers where pointers have another size: no error, no warning
# in a file of ours.
. "$RESV_TOP/scripts/lib/check.sh"
need cross

drm=drivers/gpu/drm
gpus=($drm/etnaviv/ $drm/lima/ $drm/panfrost/ $drm/v3d/ $drm/vc4/ $drm/msm/)

check_for cross-arm64
check_out HEAD
build_dirs arm64-gpus drivers/dma-buf/ "${gpus[@]}"
build_dirs arm64-displays $drm/{arm,exynos,hisilicon,imx,mediatek,meson,mxsfb}/ \
	$drm/{rcar-du,rockchip,sun4i,tegra,tidss,xlnx,zte}/

check_for cross-arm
check_out HEAD
build_dirs arm-gpus drivers/dma-buf/ "${gpus[@]}"
build_dirs arm-displays $drm/{arc,armada,aspeed,atmel-hlcdc,fsl-dcu,imx,ingenic}/ \
	$drm/{mcde,omapdrm,pl111,sti,stm,tilcdc,tve200}/
