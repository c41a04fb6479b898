/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef NATIVE_SEQ_FILE_H
#define NATIVE_SEQ_FILE_H

#include <stdio.h>

struct seq_file { FILE *file; };

#define seq_printf(seq, ...)	fprintf((seq)->file, __VA_ARGS__)

#endif
