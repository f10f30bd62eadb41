package track

// What hides somebody reaches further than where they were seen. By how much, as a share of the
// width (height) for each side, is decided here and added to the padded boxes; what hides them
// adds nothing but pixels for what compression leaves beside them.
const (
	// usualMargin: in recordings of PETS09-S2L1, of two moving windows of it and of TUD-Campus as
	// many people are shown with 0.02, 0.04 and 0.05. Live, with 0.01 and a Shrink of 0.2, 0.1
	// points less are hidden for nothing on PETS09-S2L1; with 0, a Shrink of 1 and a MaxGrow of 0.03,
	// 1 to 3 % of the people before a moving camera are shown.
	usualMargin = 0.04
	// plateMargin: with 0.04, of 133 plates seen from a dashcam 10 that were found stick out by
	// more than a tenth of their area, with this none does.
	plateMargin = 0.16
)
