package main

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// sample is what the attacker has of one redacted picture: features, and in
// training the identity.
type sample struct {
	x    []float32
	want int
}

// classifier gives each identity a score; the highest is its guess. Scores of
// several views of one identity may be added up.
type classifier interface {
	scores(x []float32) []float64
}

// accuracy returns how many of the samples a classifier gets right.
func accuracy(c classifier, samples []sample) (right int) {
	for _, s := range samples {
		if best(c.scores(s.x)) == s.want {
			right++
		}
	}
	return right
}

// accuracyOfViews adds up the scores of n consecutive samples of one identity
// and returns how many such groups there are and how many are right.
func accuracyOfViews(c classifier, samples []sample, n int) (right, groups int) {
	for i := 0; i+n <= len(samples); i += n {
		var sum []float64
		for _, s := range samples[i : i+n] {
			v := c.scores(s.x)
			if sum == nil {
				sum = make([]float64, len(v))
			}
			for j := range v {
				sum[j] += v[j]
			}
		}
		groups++
		if best(sum) == samples[i].want {
			right++
		}
	}
	return right, groups
}

func best(scores []float64) int {
	b := 0
	for i, v := range scores {
		if v > scores[b] {
			b = i
		}
	}
	return b
}

// scaling makes each feature have mean 0 and deviation 1 over the training set.
// Features that never change stay 0.
type scaling struct{ mean, by []float32 }

func newScaling(train []sample) scaling {
	n := len(train[0].x)
	s := scaling{make([]float32, n), make([]float32, n)}
	for i := range n {
		var sum, sq float64
		for _, t := range train {
			sum += float64(t.x[i])
			sq += float64(t.x[i]) * float64(t.x[i])
		}
		m := sum / float64(len(train))
		s.mean[i] = float32(m)
		if dev := math.Sqrt(max(sq/float64(len(train))-m*m, 0)); dev > 1e-4 {
			s.by[i] = float32(1 / dev)
		}
	}
	return s
}

func (s scaling) apply(samples []sample) {
	for _, t := range samples {
		for i := range t.x {
			t.x[i] = (t.x[i] - s.mean[i]) * s.by[i]
		}
	}
}

// neighbours is the classifier of the k nearest training samples, by Euclidean
// distance; nearer ones weigh more.
type neighbours struct {
	k, classes int
	train      []sample
}

func (n *neighbours) scores(x []float32) []float64 {
	type near struct {
		d    float32
		want int
	}
	all := make([]near, len(n.train))
	for i, t := range n.train {
		var d float32
		for j, v := range t.x {
			e := v - x[j]
			d += e * e
		}
		all[i] = near{d, t.want}
	}
	slices.SortFunc(all, func(a, b near) int { return cmp.Compare(a.d, b.d) })
	out := make([]float64, n.classes)
	for _, a := range all[:min(n.k, len(all))] {
		out[a.want] += 1 / (1 + math.Sqrt(float64(a.d)))
	}
	return out
}

// layers is a network of fully connected layers with ReLU between them, trained
// with cross-entropy by stochastic gradient descent. With no
// hidden layer it is softmax regression.
type layers struct {
	sizes []int
	w     [][]float32 // per layer: outputs x (inputs + 1) weights
	act   [][]float32 // scratch: activations per layer
	grad  [][]float32 // scratch: gradients of them
}

func newLayers(rng *rand.Rand, sizes ...int) *layers {
	l := &layers{sizes: sizes}
	for i := range len(sizes) - 1 {
		n := sizes[i+1] * (sizes[i] + 1)
		w := make([]float32, n)
		dev := math.Sqrt(2 / float64(sizes[i]))
		for j := range w {
			w[j] = float32(rng.NormFloat64() * dev)
		}
		l.w = append(l.w, w)
	}
	for _, n := range sizes {
		l.act, l.grad = append(l.act, make([]float32, n)), append(l.grad, make([]float32, n))
	}
	return l
}

// forward fills in l.act; the last are log-probabilities.
func (l *layers) forward(x []float32) {
	copy(l.act[0], x)
	for i, w := range l.w {
		in, out := l.act[i], l.act[i+1]
		n := len(in) + 1
		for o := range out {
			row := w[o*n : o*n+n]
			s := row[n-1]
			for j, v := range in {
				s += v * row[j]
			}
			if i < len(l.w)-1 && s < 0 {
				s = 0
			}
			out[o] = s
		}
	}
	out := l.act[len(l.act)-1]
	top := float64(slices.Max(out))
	var sum float64
	for _, v := range out {
		sum += math.Exp(float64(v) - top)
	}
	for i, v := range out {
		out[i] = v - float32(top+math.Log(sum))
	}
}

// learn takes one step on one sample.
func (l *layers) learn(s sample, rate, decay float32) {
	l.forward(s.x)
	last := len(l.act) - 1
	for o, v := range l.act[last] {
		l.grad[last][o] = float32(math.Exp(float64(v)))
	}
	l.grad[last][s.want]--
	for i := len(l.w) - 1; i >= 0; i-- {
		in, gin, gout := l.act[i], l.grad[i], l.grad[i+1]
		clear(gin)
		n := len(in) + 1
		keep := 1 - rate*decay
		for o, g := range gout {
			row := l.w[i][o*n : o*n+n]
			if i > 0 {
				for j := range gin {
					gin[j] += g * row[j]
				}
			}
			step := rate * g
			for j, a := range in {
				row[j] = row[j]*keep - step*a
			}
			row[n-1] -= step
		}
		if i > 0 {
			for j, a := range in {
				if a <= 0 {
					gin[j] = 0
				}
			}
		}
	}
}

// train runs over the samples for some epochs, with a rate that falls to a
// tenth.
func (l *layers) train(samples []sample, epochs int, rng *rand.Rand) {
	for e := range epochs {
		rate := float32(0.005 * math.Pow(0.1, float64(e)/float64(epochs)))
		for _, i := range rng.Perm(len(samples)) {
			l.learn(samples[i], rate, 0.003)
		}
	}
}

func (l *layers) scores(x []float32) []float64 {
	l.forward(x)
	out := l.act[len(l.act)-1]
	s := make([]float64, len(out))
	for i, v := range out {
		s[i] = float64(v)
	}
	return s
}
