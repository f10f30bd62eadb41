package pixel

// boxGo averages boxes of kx x ky samples, rounded to nearest. kx*ky is at most
// maxBox, kx at most maxBoxCols.
func boxGo(dst []byte, dstride int, src []byte, sstride int, dw, dh, kx, ky int) {
	n := uint32(kx * ky)
	half, mul := n/2, (1<<22+n-1)/n
	for y := range dh {
		d := dst[y*dstride:][:dw]
		s := src[y*ky*sstride:]
		if n == 1 {
			copy(d, s[:dw])
			continue
		}
		for x := range d {
			sum := half
			for j := range ky {
				for _, v := range s[j*sstride+x*kx:][:kx] {
					sum += uint32(v)
				}
			}
			d[x] = byte(sum * mul >> 22)
		}
	}
}

// resampleGo weighs rows first, into row, and then columns. After the rows a
// sample has 8 bits of fraction.
func resampleGo(dst []byte, dstride int, src []byte, sstride int, g *geometry, row []uint32) {
	first, ncols := int(g.xspan[0]), g.cols()
	row = row[:ncols]
	yw := g.yw
	for y := range g.ny {
		for i := range row {
			row[i] = 128
		}
		y0, y1 := int(g.yspan[2*y]), int(g.yspan[2*y+1])
		for k := y0; k < y1; k++ {
			s := src[k*sstride+first:][:ncols]
			w := yw[k-y0]
			for i, v := range s {
				row[i] += w * uint32(v)
			}
		}
		yw = yw[y1-y0:]
		for i := range row {
			row[i] >>= 8
		}
		xw := g.xw
		d := dst[y*dstride:][:g.nx]
		for x := range d {
			a, b := int(g.xspan[2*x])-first, int(g.xspan[2*x+1])-first
			sum := uint32(1 << 23)
			for i, v := range row[a:b] {
				sum += xw[i] * v
			}
			xw = xw[b-a:]
			d[x] = byte(sum >> 24)
		}
	}
}

// fillGo is the plain twin of the C kernel; see FillBGR.
func fillGo(b, g, r []float32, stride int, y []byte, ystride int, cb, cr []byte, cstride, w, h, offx, offy int, k *[6]int32) {
	for j := range h {
		cu := cb[(j+offy)>>1*cstride:]
		cv := cr[(j+offy)>>1*cstride:]
		l := y[j*ystride:][:w]
		pb, pg, pr := b[j*stride:][:w], g[j*stride:][:w], r[j*stride:][:w]
		for i, v := range l {
			luma := (int32(v) - k[1]) * k[0]
			u, v := int32(cu[(i+offx)>>1])-128, int32(cv[(i+offx)>>1])-128
			pb[i] = sample(luma + k[2]*u)
			pg[i] = sample(luma + k[3]*u + k[4]*v)
			pr[i] = sample(luma + k[5]*v)
		}
	}
}

// sample turns 13 bits of fraction into a float: exact, as it needs 21 bits.
func sample(v int32) float32 { return float32(min(max(v, 0), 255<<13)) * (1.0 / 8192) }
