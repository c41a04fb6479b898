# Watched are buffers, fences and their tests. The rest of 5.10 has races of its
# own, known and not, which would be reported here and are not ours to judge;
# without it the emulated machine is fast enough to be tortured, too.
KCSAN_SANITIZE=$(if $(filter drivers/dma-buf drivers/dma-buf/%,$(obj)),y,n)
# The base's own selftest polls a bool that a callback sets.
KCSAN_SANITIZE_st-dma-fence.o=n
KCSAN_SANITIZE_st-dma-fence-chain.o=n
# What a seqcount hides is watched in dma-resv.c.
CFLAGS_dma-resv.o=-include $(RESV_TOP)/configs/kcsan.h
