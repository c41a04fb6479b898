/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NATIVE_SORT_H
#define NATIVE_SORT_H

#include <stdlib.h>

#define sort(base, n, size, cmp, swap)	((void)(swap), qsort(base, n, size, cmp))

#endif
