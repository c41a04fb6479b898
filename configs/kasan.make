# The entry by which QEMU starts the kernel runs before KASAN has its shadow.
KASAN_SANITIZE_enlighten.o=n
UBSAN_SANITIZE_enlighten.o=n
