// Package recorder writes a stream.Broadcaster to files: all the time, in segments of a
// minute (Recorder), or only when something has happened, with what was before
// it (Ring).
//
// # Files
//
// The files are fragmented MP4 (ISO/IEC 14496-12) with one track of H.264 and
// nothing else: no sound, no metadata. A fragment is at most a second long and is
// on the disk before the next one begins, so that a power cut costs at most the
// last two seconds. A file gets its name with its first fragment and can be
// played from then on, while it grows and whatever ends it; what a power cut left
// half written is cut off at the next start.
//
// A name is hedge-NUMBER-TIME.mp4: the number counts up, whatever the clock does,
// and the time is that of the first picture, in UTC. Nothing but files with such
// names is ever removed.
//
// A folder is one recorder's: while it runs another one gets an error and touches nothing
// there, except on systems and network shares that lock no folders. Reading needs no lock.
//
// # Limits
//
// The oldest files are removed first, when they are more, or all together larger,
// or one of them older, than allowed, also while nothing is recorded or the disk is full.
// One that cannot be removed is an Event, and is tried again every minute; limits are kept
// without it. Age counts only while the clock has been steady for ten minutes: a clock
// that is set wrong for a moment costs no recording. Until then a file is as old as it was when
// the run before ended, if the clock was steady for ten minutes over all runs and is not behind
// that time; the file .hedge-clock.json in the folder is for that. So a camera that never runs
// for long removes what was too old when it ran the last time, and a clock that is wrong in
// one short run removes nothing.
//
// # Faults
//
// What goes wrong with the disk, such as that it is full, is an Event. Every
// second another attempt is made, also while there is nothing to write; recording goes on
// when it succeeds.
package recorder
