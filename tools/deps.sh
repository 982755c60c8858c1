#!/usr/bin/env bash
# Install what dragoman needs on Debian 12 or 13, and nothing that is already there.
#
#   tools/deps.sh build    compiler and libraries: make run, make release
#   tools/deps.sh test     + cmocka, Node.js, nginx and wrk: make test, make bench
#   tools/deps.sh check    + clang, its tools and cppcheck: make lint, asan, tsan, fuzz
#
# Debian 12 has neither llhttp nor yyjson.  There the two come from Debian 13's archive at the
# mirror the machine is already set to, through an apt state of their own: the system's package
# lists, sources and pins stay as they are, so nothing else can be upgraded by it.
set -euo pipefail

BUILD="gcc make pkg-config libc6-dev libuv1-dev libssl-dev libyaml-dev zlib1g-dev ca-certificates"
TEST="$BUILD libcmocka-dev nodejs nginx-light wrk curl openssl python3"
# llvm: without its symbolizer tools/tsan.supp, which names functions, suppresses nothing.
CHECK="$TEST clang clang-tidy clang-format llvm cppcheck universal-ctags"
FROM_13="libllhttp-dev libyyjson-dev"

say() { printf 'deps: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "needs root to install packages: run it as root, or install sudo"
    fi
}

installed() { dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'; }

missing() {
    local p out=""
    for p in "$@"; do
        case "$p" in
        llvm) command -v llvm-symbolizer >/dev/null || out="$out llvm" ;;
        nodejs)
            command -v node >/dev/null || out="$out nodejs"
            command -v npm >/dev/null || out="$out npm"
            ;;
        python3) command -v python3 >/dev/null || out="$out python3" ;;
        *) installed "$p" || out="$out $p" ;;
        esac
    done
    echo "$out"
}

apt_install() { # PACKAGE...
    say "installing: $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 \
        install -y --no-install-recommends "$@" >/dev/null
}

# The system's own mirror of the Debian archive, with its suite changed to Debian 13's.
mirror() {
    local uri
    uri=$(apt-get indextargets --format '$(SITE) $(ORIGIN) $(CODENAME)' 2>/dev/null |
        awk '$2 == "Debian" && $3 !~ /security/ {print $1; exit}')
    [ -n "$uri" ] || uri=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
        grep -oE '(https?|file):[^ ]*/debian/?( |$)' | head -1 | tr -d ' ')
    [ -n "$uri" ] || die "found no Debian archive in /etc/apt"
    echo "$uri"
}

from_debian_13() { # PACKAGE...
    local dir
    say "taking from Debian 13's archive: $*"
    dir=$(mktemp -d)
    trap 'rm -rf "$dir"' RETURN
    mkdir -p "$dir"/{lists/partial,cache/archives/partial,debs,parts}
    chmod -R 755 "$dir"
    : >"$dir/status"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(mirror) trixie main" \
        >"$dir/sources.list"
    local opt=(-qq -o Acquire::Retries=3 -o Dir::Etc::SourceList="$dir/sources.list"
        -o Dir::Etc::SourceParts="$dir/parts" -o Dir::Etc::PreferencesParts="$dir/parts"
        -o Dir::State::Lists="$dir/lists" -o Dir::State::Status="$dir/status"
        -o Dir::Cache="$dir/cache" -o APT::Sandbox::User=root)
    apt-get "${opt[@]}" update
    local all=() p
    for p in "$@"; do # the -dev package and the one library it is for
        all+=("$p")
        all+=("$(apt-cache "${opt[@]}" depends "$p" | awk '/Depends: lib(llhttp|yyjson)/{print $2; exit}')")
    done
    (cd "$dir/debs" && apt-get "${opt[@]}" download "${all[@]}")
    as_root dpkg -i "$dir"/debs/*.deb >/dev/null
}

[ -r /etc/debian_version ] && command -v apt-get >/dev/null ||
    die "this is not Debian; install by hand: $BUILD $FROM_13"

case "${1:-build}" in
build) want=$BUILD ;;
test) want=$TEST ;;
check) want=$CHECK ;;
*) die "usage: tools/deps.sh [build|test|check]" ;;
esac

need=$(missing $want)
need13=$(missing $FROM_13)
# clang's sanitizer and fuzzer runtimes follow clang's own version.
runtime() { echo "libclang-rt-$(clang -dumpversion | cut -d. -f1)-dev"; }
if [ "${1:-build}" = check ] && command -v clang >/dev/null && ! installed "$(runtime)"; then
    need="$need $(runtime)"
fi
[ -n "$need$need13" ] || exit 0
if [ -n "$need" ] || ! apt-cache show libuv1-dev >/dev/null 2>&1; then
    as_root apt-get -qq -o Acquire::Retries=3 update
fi
[ -z "$need" ] || apt_install $need
if [ -n "$need13" ]; then
    if apt-cache show $need13 >/dev/null 2>&1; then
        apt_install $need13
    else
        from_debian_13 $need13
    fi
fi
if [ "${1:-build}" = check ] && ! installed "$(runtime)"; then # clang came just now
    apt_install "$(runtime)"
fi
say "ready"
