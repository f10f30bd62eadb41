#pragma once
// Every header of gocv includes opencv2/opencv.hpp, which Debian ships only in
// the full libopencv-dev (690 MB on disk). These three modules are all that
// gocv needs when it is built with the tag gocv_specific_modules.
#include "opencv2/core.hpp"
#include "opencv2/imgproc.hpp"
#include "opencv2/imgcodecs.hpp"
