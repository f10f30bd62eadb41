// Package pipeline carries pictures from a source to a sink and hides on the
// way what the owner's policy asks for. It fails closed: a stage that errs,
// panics, hangs or returns nonsense makes it hide more, never less.
//
// # How a frame travels
//
//	reader     Source.Read fills a buffer of a fixed pool
//	owner      small copies for motion and detectors; window of look-ahead;
//	           decide (policy, tracks, motion), redact in place
//	writer     Sink.Write gets the redact.Frame; the buffer returns to the pool
//	lookers    one goroutine a detector; sees small copies only
//
// The owner is one goroutine and owns all state. A frame waits in the window
// until one has come that is LookAhead later, so that an object found by then
// is hidden in this one too.
//
// # Who waits for whom
//
// In File mode nothing is lost: the owner waits for every look that it asked
// for, the reader for the owner, the owner for the writer. In Live mode the
// frame path waits for nobody. Each detector has one look in flight and at
// most one waiting, which a newer frame replaces; a result is entered at the
// time of the frame that was looked at, and the tracker predicts from there to
// the frame that goes out. Frames that wait for the reader's or the writer's
// next stage are dropped oldest first, and counted.
//
// # When a detector looks in Live mode
//
// Each detector is in one of three beats:
//
//	fresh    something has begun to move that nothing explains,
//	         or the camera itself moves                     every 100 ms
//	active   something moves that is known, or that was
//	         looked at and is hidden until explained        every 300 ms
//	still    nothing moves and every object is held; for
//	         plates also: nothing that carries one is known every second
//
// A detector that must be relied on alone, because what moves is not hidden
// wherever its classes are to be, keeps to the first beat unless nothing moves.
//
// A look is due at the frame nearest to the beat. It starts when the detector is
// idle and the budget of core time is not used up: the bucket fills with the
// wall clock times Config.Cores, and each look is paid from it. Where small
// faces or plates are to be found, every second look goes to a part of the
// frame at native size around a person or a vehicle, if that is twice as large
// or more. Detectors' threads have a lower priority than the frames' way (Linux;
// nice 5): on a busy machine they come late, which hides more, before frames do.
//
// # Pictures for drawing zones
//
// Pipeline.Still has the detectors look for as long as somebody asks for stills,
// whatever the policy needs, and returns the place with nobody in it. It too is
// a redact.Frame. A detector that only stills need takes nothing from the policy's
// pictures when it fails, and does not stop the pipeline: there are no stills then.
//
// # Time
//
// Intervals and times to live count in a clock of the pipeline's own: that of the
// stamps as long as they are sound. A picture of a burst, or of a source whose
// stamps stand nearly still, counts as long as pictures usually do, and a jump of
// the stamps no more than every time to live. Frames go out with their own stamps.
//
// # Previews
//
// Pipeline.SetPreview shows a policy to who draws it, and to nobody else: until it
// is saved the sink gets only what neither it nor the policy in force hides.
//
// # When more is hidden than the policy asks
//
//	ok             for every detector that the policy needs, the frame lies between
//	               two good looks, or not long after one (Config.TimeToLive): the
//	               policy alone decides
//	failed or late everything outside of the property is hidden, and the whole
//	               frame when the policy hides something inside. From the failed
//	               look to the next good one, and from the last good one too where
//	               no motion voice stands beside the looks
//	format changed the whole frame is hidden until every detector has looked at
//	               the new format; as long as its aspect ratio is not the one the
//	               zones were drawn for, it stays hidden
//	view differs   the whole frame is hidden until it shows the confirmed view again;
//	               so are those held back since it began to differ
//	camera moved   the view has differed for some seconds. In Live mode the whole
//	               frame is hidden until Pipeline.Confirm, also after a restart
//	               (Config.View); in File mode until it shows the view again
//	policy changes a frame that is under way is hidden under the old policy and the
//	               new one; what waits redacted for the sink is dropped if the new
//	               one may hide more
//	stopped        a stage that the policy needs failed MaxFailures times in a
//	               row: Run returns a *StageError, and nothing more goes out
package pipeline
