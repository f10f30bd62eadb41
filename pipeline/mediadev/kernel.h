//go:build cgo

#include <stdint.h>

/* See halveRowsGo, halveBothGo and limitGo. */
void mediadev_halve_rows(uint8_t *dst, int dst_stride, const uint8_t *src, int src_stride, int w, int h);
void mediadev_halve_both(uint8_t *dst, int dst_stride, const uint8_t *src, int src_stride, int w, int h);
void mediadev_limit(uint8_t *s, int n, int gain, int offset);
