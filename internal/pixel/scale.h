// Kernels of package pixel. Strides are in bytes, sizes in samples.
#ifndef HEDGE_PIXEL_SCALE_H
#define HEDGE_PIXEL_SCALE_H

#include <stddef.h>
#include <stdint.h>

void hedge_box(uint8_t *dst, ptrdiff_t dstride, const uint8_t *src, ptrdiff_t sstride,
               int dw, int dh, int kx, int ky);

void hedge_resample(uint8_t *dst, ptrdiff_t dstride, const uint8_t *src, ptrdiff_t sstride,
                    int dw, int dh, int first_col, int ncols,
                    const int32_t *xspan, const uint32_t *xw,
                    const int32_t *yspan, const uint32_t *yw, uint32_t *row);

void hedge_fill_bgr(float *b, float *g, float *r, int stride,
                    const uint8_t *y, ptrdiff_t ystride,
                    const uint8_t *cb, const uint8_t *cr, ptrdiff_t cstride,
                    int w, int h, int offx, int offy, const int32_t *k);

#endif
