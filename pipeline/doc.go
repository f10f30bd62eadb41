// Package pipeline carries pictures from a source to a sink and hides on the
// way what the owner's policy asks for. It fails closed: a stage that errs,
// panics, hangs or returns nonsense makes it hide more, never less.
//
// A picture is raw. A frame is what travels through the pipeline: it begins as a
// picture of the pool and ends as a [redact.Frame].
//
// # How a frame travels
//
//	reader       Source.Read fills a buffer of a fixed pool
//	event loop   adopt the format and the policies; small copies; scene (tracker,
//	             motion, shift); schedule inferences; view; window of look-ahead
//	             decide (policy, trust, scene); background plate; redact in place
//	writer       Sink.Write gets the redact.Frame; the buffer returns to the pool
//	workers      one goroutine a detector; each sees small copies only
//
// The event loop is one goroutine and owns the state of all parts but the reader,
// the writer and the workers, which have their own. A frame waits in the window
// until one has come that is LookAhead later, so that an object found by then
// is hidden in this one too.
//
// # Who waits for whom
//
// In File mode nothing is lost: the event loop waits for every inference that it
// asked for, the reader for the event loop, the event loop for the writer. In Live
// mode the frame path waits for nobody. Each detector has one inference in flight and
// at most one waiting, which a newer frame replaces. A result is entered at the
// time of the frame that was looked at, and the tracker predicts from there to
// the frame that goes out. Frames that wait for the event loop or the writer are
// dropped oldest first, and counted.
//
// # Inference intervals in Live mode
//
//	at once      something has begun to move that no object explains
//	affordable   something moves, or motion is not watched: as often as all
//	             detectors in use can run in turn for the core time allowed
//	one second   nothing moves and every object is held; for plates also: nothing
//	             that carries one is known
//
// An inference is due at the frame nearest to the interval. It starts when the
// worker is idle and the budget of core time is not used up: the bucket fills with
// the wall clock times Config.Cores, and each inference is paid from it. Every second
// inference may go to a region of interest at native size: something that moves
// unexplained, or a person or a vehicle whose face or plate is too small in the
// whole frame; where a policy asks for faces or plates alone, so that nobody looks for
// who carries them, also to the tiles of the frame in turn. Workers have a lower priority than the frame path (Linux; nice 5):
// on a busy machine they come late, which hides more, before frames do.
//
// # Pictures for drawing zones
//
// Pipeline.BackgroundPlate has the detectors look for as long as somebody asks for
// it, whatever the policy needs, and returns the place with nobody in it. It too is
// a redact.Frame. A detector that only the background plate needs takes nothing from
// the policy's frames when it fails, and does not stop the pipeline: there is no
// plate then.
//
// # Time
//
// Intervals and times to live count in a clock of the pipeline's own: that of the
// stamps as long as they are sound. A picture of a burst, or of a source whose
// stamps stand nearly still, counts as long as pictures usually do, and a jump of
// the stamps no more than every time to live. A camera that begins to make more pictures
// is believed after eight of them. Frames go out with their own stamps.
//
// # Previews
//
// Pipeline.SetPreview shows a policy to who draws it, and to nobody else: until it
// is saved the sink gets only what neither it nor the policy in force hides.
//
// # When more is hidden than the policy asks
//
//	ok             for every detector that the policy needs, the frame lies between
//	               two good inferences, or not long after one (Config.TimeToLive):
//	               the policy alone decides
//	failed or late everything outside of the property is hidden, and the whole
//	               frame when the policy hides something inside: from the failed
//	               inference to the next good one, and from the last good one too
//	               where moving patches are not hidden
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
