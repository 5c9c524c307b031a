#!/bin/sh
# The runtime hands the request over on standard input, as JSON.
exec femtoclaw-search --protocol 2.1 "$@"
