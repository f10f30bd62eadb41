//go:build cgo

#include <stdint.h>

/* See halveRowsGo, halveBothGo, unpack422Go, splitGo and limitGo. */
void mediadev_unpack422(uint8_t *luma, int luma_stride, uint8_t *cb, uint8_t *cr, int chroma_stride, const uint8_t *src, int stride, int w, int h, int uyvy);
void mediadev_split(uint8_t *first, uint8_t *second, int dst_stride, const uint8_t *src, int src_stride, int w, int h);
void mediadev_halve_rows(uint8_t *dst, int dst_stride, const uint8_t *src, int src_stride, int w, int h);
void mediadev_halve_both(uint8_t *dst, int dst_stride, const uint8_t *src, int src_stride, int w, int h);
void mediadev_limit(uint8_t *s, int n, int gain, int offset);
