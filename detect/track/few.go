package track

import (
	"slices"

	"github.com/hedgecam/hedge/detect"
)

// FewInferences is how many pictures with inferences are too few to make tracks of. In a
// recording of no more, inferences at different sizes stand in for those of other pictures.
const FewInferences = 3

// firstInferences are those on one of the first pictures.
type firstInferences struct {
	frame int32
	list  []Inference
}

// uncarriedAgreed is the score that two inferences must both give a face or plate that
// nothing carries.
const uncarriedAgreed = 0.6

// sameFind is the overlap from which the finds of two inferences on a picture are of one
// thing.
const sameFind = 0.4

// copyInferences returns a copy that shares nothing with the list.
func copyInferences(list []Inference) []Inference {
	list = slices.Clone(list)
	for i := range list {
		list[i].Detections = slices.Clone(list[i].Detections)
	}
	return list
}

// believeFew decides whether a track of a recording of so few pictures is believed. uncarried says that nothing was found that carries it.
func (l *Linker) believeFew(p *Track, uncarried bool) bool {
	cfg := &l.cfg.Class[p.Class]
	for i := range p.seen {
		best, second, shown := l.agreement(p.Class, &p.seen[i])
		need, agreed := cfg.Single, cfg.Agreed
		if shown > 1 {
			need = cfg.Alone
		}
		if uncarried {
			need, agreed = max(need, uncarriedScore), max(agreed, uncarriedAgreed)
		}
		if best >= need || shown > 1 && second >= agreed {
			return true
		}
	}
	return false
}

// agreement returns how many inferences on the picture of an observation show all of its
// place, and the best and the second best score that they give it.
func (l *Linker) agreement(class detect.Class, m *sceneObservation) (best, second float32, shown int) {
	at := l.toPicture(m.box, m.frame)
	on := slices.IndexFunc(l.first, func(f firstInferences) bool { return f.frame == m.frame })
	if on < 0 {
		return m.score, 0, 1 // other classes were looked for in pictures before
	}
	for i := range l.first[on].list {
		k := &l.first[on].list[i]
		if !k.Classes.Has(class) || !k.shows(at) {
			continue
		}
		shown++
		score := float32(0)
		for _, d := range k.Detections {
			if d.Class == class && d.Score > score && d.Box.IoU(at) >= sameFind {
				score = d.Score
			}
		}
		best, second = max(best, score), max(second, min(best, score))
	}
	return best, second, shown
}
