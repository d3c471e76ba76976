#!/bin/sh
# Makes the virtual environment with everything in it: tools/setup.sh [runtime|dev|bench|bench-grades]
#
# Belongs here: finding a Python that will do, on Debian, Ubuntu and macOS, and saying what to do where there is none.
# Does not belong here: what is installed and when it is up to date (tools/setup_env.py).
# Plain POSIX sh: this is the one file that runs before there is a Python.
set -eu
cd "$(dirname "$0")/.."
level=${1:-runtime}
case $level in
    runtime | dev) venv=.venv ;;
    bench) venv=.venv-bench ;;
    bench-grades) venv=.venv-bench-grades ;;
    *) echo "setup: there is no '$level'; use runtime, dev, bench or bench-grades." >&2; exit 2 ;;
esac

# The usual case first: nothing changed since last time. (PYTHON asks for a certain one, so there is more to look at.)
if [ -z "${PYTHON:-}" ] && [ -x "$venv/bin/python" ] && "$venv/bin/python" -I -S tools/setup_env.py "$level" --is-current 2>/dev/null; then
    exit 0
fi

suits() { "$1" -I -S -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 14))' >/dev/null 2>&1; }
has_venv() { "$1" -I -c 'import venv, ensurepip' >/dev/null 2>&1; }

# Sets `python` to the first interpreter that suits and can make environments; else to the first that suits; else to ''.
find_python() {
    python=
    for candidate in ${PYTHON:-python3.13 python3.12 python3.11 python3}; do
        suits "$candidate" || continue
        if has_venv "$candidate"; then python=$candidate; return; fi
        [ -n "$python" ] || python=$candidate
    done
}

# apt package names for what is missing: a Python with venv, the newest that suits and that this system offers.
debian_packages() {
    if [ -n "$python" ]; then
        "$python" -I -S -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
        return
    fi
    for version in 3.13 3.12 3.11; do
        if apt-cache show "python$version-venv" >/dev/null 2>&1; then
            echo "python$version python$version-venv"
            return
        fi
    done
}

find_python
if [ -z "$python" ] || ! has_venv "$python"; then
    if [ -n "${PYTHON:-}" ] && [ -z "$python" ]; then
        echo "setup: PYTHON=$PYTHON is not a Python from 3.11 to 3.13. Name another one, or leave PYTHON out." >&2
        exit 1
    fi
    if command -v apt-get >/dev/null 2>&1; then
        if [ "$(id -u)" = 0 ]; then
            echo "setup: installing what is missing of Python with apt-get"
            apt-get update -qq
            packages=$(debian_packages)
            [ -z "$packages" ] || DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages >/dev/null
            find_python
        else
            packages=$(debian_packages)
            if [ -n "$packages" ]; then
                echo "setup: Python 3.11 to 3.13 with venv is missing. Run: sudo apt-get install $packages" >&2
                exit 1
            fi
        fi
    elif [ "$(uname -s)" = Darwin ]; then
        echo "setup: Python 3.11 to 3.13 is missing. Run: brew install python@3.13" >&2
        exit 1
    fi
fi
if [ -z "$python" ] || ! has_venv "$python"; then
    echo "setup: no Python from 3.11 to 3.13 with the modules venv and ensurepip was found." >&2
    echo "       Install one, then run this again; PYTHON=/path/to/python names one that is not on the PATH." >&2
    exit 1
fi
exec "$python" -I tools/setup_env.py "$level"
