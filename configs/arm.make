ARCH=arm
CROSS_COMPILE=arm-linux-gnueabihf-
