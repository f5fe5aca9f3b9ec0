#!/bin/sh
# rustdoc, allowed to write JSON. The variable reaches nothing but rustdoc: build scripts of dependencies look at it, and
# everything would be compiled anew.
RUSTC_BOOTSTRAP=1 exec rustdoc "$@"
