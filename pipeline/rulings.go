package pipeline

import (
	"reflect"
	"slices"
	"sync"

	"github.com/hedgecam/hedge/redact"
)

// ruling is what the owner asked for from some moment on: a policy, a preview, or
// that the zones are right.
type ruling struct {
	number   uint64           // rises by one from ruling to ruling
	policies []*redact.Policy // what any of them hides is hidden from the sink
	floor    []*redact.Policy // those of them that hold for previews and the plate too
	preview  *preview         // nil: there is none
}

// preview is a policy that somebody tries out, and who sees it.
type preview struct {
	policy   *redact.Policy
	sink     Sink
	policies []*redact.Policy // the policy and the floor
}

// maxRulings is how many rulings are remembered for the frames held back. Frames
// from before the oldest of them are hidden whole.
const maxRulings = 8

// rulings remembers what the owner asked for, for as long as frames are under way that
// came before the newest of it. Any goroutine may use it.
type rulings struct {
	mu            sync.Mutex
	policy        *redact.Policy
	floor         []*redact.Policy
	preview       *preview
	number        uint64   // of the newest ruling
	confirmations uint64   // how often the owner has confirmed the view
	list          []ruling // the newest last
	least         uint64   // frames of rulings before this one may not go out any more
}

func newRulings(policy *redact.Policy, floor []*redact.Policy) *rulings {
	r := &rulings{policy: policy, floor: slices.Clone(floor)}
	r.add()
	return r
}

// own returns a copy of a policy, since its owner may go on to change it; nil hides
// everything. It is one that is remembered already if that says the same: such a policy
// is drawn already, and no new one.
func (r *rulings) own(policy *redact.Policy) *redact.Policy {
	r.mu.Lock()
	defer r.mu.Unlock()
	if policy == nil {
		policy = redact.HideEverything()
	}
	for i := len(r.list) - 1; i >= 0; i-- {
		for _, q := range r.list[i].policies {
			if reflect.DeepEqual(q, policy) {
				return q
			}
		}
	}
	return policy.Clone()
}

// add begins a new ruling. The caller holds the lock.
func (r *rulings) add() {
	r.number++
	next := ruling{number: r.number, policies: withFloor(r.policy, r.floor), floor: r.floor}
	if r.preview != nil {
		next.policies = append(next.policies, r.preview.policy)
		next.preview = &preview{r.preview.policy, r.preview.sink, withFloor(r.preview.policy, r.floor)}
	}
	if len(r.list) == maxRulings {
		r.list = slices.Delete(r.list, 0, 1)
	}
	r.list = append(r.list, next)
}

// setPolicy puts a policy in force and ends the preview. It reports whether the policy
// may hide what the one before showed: then frames of earlier rulings may not go out.
func (r *rulings) setPolicy(policy *redact.Policy) (tighter bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	tighter = policy.Tightens(r.policy)
	r.policy, r.preview = policy, nil
	r.add()
	if tighter {
		r.least = r.number
	}
	return tighter
}

// withFloor returns a policy and those of the floor, each once.
func withFloor(policy *redact.Policy, floor []*redact.Policy) []*redact.Policy {
	all := []*redact.Policy{policy}
	for _, q := range floor {
		if !slices.Contains(all, q) {
			all = append(all, q)
		}
	}
	return all
}

// setFloor has policies hold beside every other. It reports whether one of them may
// hide what was shown: then frames of earlier rulings may not go out.
func (r *rulings) setFloor(floor []*redact.Policy) (tighter bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range floor {
		tighter = tighter || !slices.Contains(r.floor, q) && q.Tightens(r.policy)
	}
	r.floor = floor
	r.add()
	if tighter {
		r.least = r.number
	}
	return tighter
}

// setPreview begins, changes or (nil) ends a preview.
func (r *rulings) setPreview(p *preview) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.preview == nil && p == nil {
		return
	}
	r.preview = p
	r.add()
}

// confirm notes that the owner has confirmed the view.
func (r *rulings) confirm() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.confirmations++
	r.add()
}

// newest returns the number of the ruling in force.
func (r *rulings) newest() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.number
}

// inForce returns the ruling for the next frame, and how often the owner has
// confirmed the view.
func (r *rulings) inForce() (now ruling, confirmations uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.list[len(r.list)-1], r.confirmations
}

// allow reports whether a frame that was redacted under all rulings up to number may
// still go out.
func (r *rulings) allow(number uint64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return number >= r.least
}

// since appends to dst the policies of all rulings from number on, the newest first,
// and returns the ruling in force. It reports false if number is older than what is
// remembered. Rulings before number are forgotten: frames come in order.
func (r *rulings) since(number uint64, dst []*redact.Policy) (policies []*redact.Policy, last ruling, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	old := 0
	for old < len(r.list)-1 && r.list[old].number < number {
		old++
	}
	r.list = slices.Delete(r.list, 0, old)
	for i := len(r.list) - 1; i >= 0; i-- {
		for _, q := range r.list[i].policies {
			if !slices.Contains(dst, q) {
				dst = append(dst, q)
			}
		}
	}
	return dst, r.list[len(r.list)-1], r.list[0].number <= number
}
