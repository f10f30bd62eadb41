package redact

// plateLight is by how much the light has changed since the plate was taken, in
// steps of each plane: the median, over the blocks of the plate, of the difference
// between the mean of what was last proved to be empty there and the plate's mean.
// It is one value for the whole picture, so that a block that could not be proved
// for a while, because somebody was there, looks like all others: a plate whose
// blocks followed the light one by one would show, as a shadow of old light, which
// of them who passed differed from.
type plateLight struct {
	steps [3]int
	// votes are the numbers of blocks for each difference, from -255 on.
	votes [3][2*maxLight + 1]int32
	n     int32
}

const (
	maxLight = 255
	// rebaseAfter is the change of light, in steps, after which the plate itself is
	// changed: what is near black or white when it is taken would otherwise be lost.
	rebaseAfter = 16
)

// vote takes in, or with -1 takes back, that a block differs by so many steps.
func (l *plateLight) vote(steps [3]int, by int32) {
	for i, v := range steps {
		l.votes[i][v+maxLight] += by
	}
	l.n += by
}

// settle sets steps to the medians, of the lower half where there are two.
func (l *plateLight) settle() {
	for i := range l.steps {
		below := int32(0)
		for v, n := range l.votes[i] {
			if below += n; 2*below >= l.n && n > 0 {
				l.steps[i] = v - maxLight
				break
			}
		}
	}
}

// cell returns the change of light as a cell of a field.
func (l *plateLight) cell() (c fieldCell) {
	for i, v := range l.steps {
		c[i] = int32(v) << fieldBits
	}
	return c
}

// stepsOf returns the difference of two means, rounded.
func stepsOf(c fieldCell) (steps [3]int) {
	for i := range steps {
		v := int(c[i]+1<<(fieldBits-1)) >> fieldBits
		steps[i] = min(max(v, -maxLight), maxLight)
	}
	return steps
}

// shifted sets dst to src and so many steps more, rounded to what a sample can be.
func shifted(dst, src []byte, steps int) {
	for i, v := range src {
		dst[i] = uint8(min(max(int(v)+steps, 0), 255))
	}
}
