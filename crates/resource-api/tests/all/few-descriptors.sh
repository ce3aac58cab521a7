#!/bin/sh
# Runs a program that may have few files open.
ulimit -n 300
exec "$PROGRAM"
