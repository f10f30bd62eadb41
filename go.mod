module github.com/hedgecam/hedge

go 1.26
