package main

import (
	"math"
	"math/rand/v2"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/stat"
)

// sample is what the attacker has of one redacted picture: features, and in
// training the identity.
type sample struct {
	x    []float64
	want int
}

// classifier gives each identity a score; the highest is its guess. Scores of
// several views of one identity may be added up.
type classifier interface {
	// scores returns a slice of the caller's own.
	scores(x []float64) []float64
}

// accuracy adds up the scores of n consecutive samples of one identity, 1 or more,
// and returns how many such groups there are and how many a classifier gets right.
func accuracy(c classifier, samples []sample, n int) (right, groups int) {
	for i := 0; i+n <= len(samples); i += n {
		sum := c.scores(samples[i].x)
		for _, s := range samples[i+1 : i+n] {
			floats.Add(sum, c.scores(s.x))
		}
		groups++
		if floats.MaxIdx(sum) == samples[i].want {
			right++
		}
	}
	return right, groups
}

// standardise makes each feature have mean 0 and deviation 1 over the training set, and
// scales the other sets alike. Features that never change are 0.
func standardise(train []sample, others ...[]sample) {
	n := len(train[0].x)
	means, by := make([]float64, n), make([]float64, n)
	values := make([]float64, len(train))
	for i := range n {
		for k, t := range train {
			values[k] = t.x[i]
		}
		var dev float64
		if means[i], dev = stat.PopMeanStdDev(values, nil); dev > 1e-4 {
			by[i] = 1 / dev
		}
	}
	for _, t := range slices.Concat(append(others, train)...) {
		floats.Sub(t.x, means)
		floats.Mul(t.x, by)
	}
}

// neighbours is the classifier of the k nearest training samples, by Euclidean
// distance; nearer ones weigh more.
type neighbours struct {
	k, classes int
	train      []sample
}

func (n *neighbours) scores(x []float64) []float64 {
	far, order := make([]float64, len(n.train)), make([]int, len(n.train))
	for i, t := range n.train {
		for j, v := range t.x {
			far[i] += (v - x[j]) * (v - x[j])
		}
	}
	floats.Argsort(far, order)
	out := make([]float64, n.classes)
	for i, from := range order[:min(n.k, len(order))] {
		out[n.train[from].want] += 1 / (1 + math.Sqrt(far[i]))
	}
	return out
}

// layers is a network of fully connected layers with ReLU between them, trained
// with cross-entropy by stochastic gradient descent. With no
// hidden layer it is softmax regression.
type layers struct {
	w    [][][]float64 // per layer and output: a weight for each input, and the bias
	act  [][]float64   // scratch: activations per layer
	grad [][]float64   // scratch: gradients of them
}

func newLayers(rng *rand.Rand, sizes ...int) *layers {
	l := &layers{}
	before := 0 // outputs of the layer before
	for i, n := range sizes {
		l.act, l.grad = append(l.act, make([]float64, n)), append(l.grad, make([]float64, n))
		if i > 0 {
			w, dev := make([][]float64, n), math.Sqrt(2/float64(before))
			for o := range w {
				w[o] = make([]float64, before+1)
				for j := range w[o] {
					w[o][j] = rng.NormFloat64() * dev
				}
			}
			l.w = append(l.w, w)
		}
		before = n
	}
	return l
}

// forward fills in l.act, and returns the last: log-probabilities.
func (l *layers) forward(x []float64) []float64 {
	copy(l.act[0], x)
	for i, w := range l.w {
		in, out := l.act[i], l.act[i+1]
		for o, row := range w {
			out[o] = floats.Dot(in, row[:len(in)]) + row[len(in)]
			if i < len(l.w)-1 {
				out[o] = max(out[o], 0)
			}
		}
	}
	out := l.act[len(l.w)]
	floats.AddConst(-floats.LogSumExp(out), out)
	return out
}

// learn takes one step on one sample.
func (l *layers) learn(s sample, rate, decay float64) {
	last := l.grad[len(l.w)]
	for o, v := range l.forward(s.x) {
		last[o] = math.Exp(v)
	}
	last[s.want]--
	for i := len(l.w) - 1; i >= 0; i-- {
		in, gin := l.act[i], l.grad[i]
		clear(gin)
		for o, g := range l.grad[i+1] {
			row := l.w[i][o][:len(in)]
			if i > 0 {
				floats.AddScaled(gin, g, row)
			}
			floats.Scale(1-rate*decay, row)
			floats.AddScaled(row, -rate*g, in)
			l.w[i][o][len(in)] -= rate * g
		}
		for j, a := range in {
			if a <= 0 {
				gin[j] = 0
			}
		}
	}
}

// train runs over the samples for some epochs, with a rate that falls to a
// tenth.
func (l *layers) train(samples []sample, epochs int, rng *rand.Rand) {
	for e := range epochs {
		rate := 0.005 * math.Pow(0.1, float64(e)/float64(epochs))
		for _, i := range rng.Perm(len(samples)) {
			l.learn(samples[i], rate, 0.003)
		}
	}
}

func (l *layers) scores(x []float64) []float64 { return slices.Clone(l.forward(x)) }
