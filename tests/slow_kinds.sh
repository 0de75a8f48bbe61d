# Read by ./test: the kinds of tests whose counts are raised in the full run. One line each:
#   slow NAME "VARIABLE=COUNT …" ARGUMENTS OF cargo test
