#!/bin/sh
# Installs the native pyresolve of a release for this user: downloads its archive, verifies the checksum, and puts the program into
# ~/.local/bin. Needs no root and no .NET.
#
#   sh install.sh [<version>]    again, to upgrade
#   sh install.sh --uninstall
#
# PYRESOLVE_RELEASES   where the releases are, such as https://github.com/<owner>/<repository>/releases; a released copy of this file knows
# PYRESOLVE_INSTALL    the folder to install into; default ~/.local/bin
set -eu

releases=${PYRESOLVE_RELEASES:-'@releases@'}
version=${1:-'@version@'}
folder=${PYRESOLVE_INSTALL:-${HOME:-}/.local/bin}

portable='With the .NET 10 SDK: dotnet tool install --global PyResolve.Cli'
elsewhere='Name a folder that you may write to: PYRESOLVE_INSTALL=/some/folder'

fail() {
  echo "✗ $1" >&2
  shift
  for line in "$@"; do echo "  $line" >&2; done
  exit 1
}

# A system with glibc may have musl beside it, as a package.
is_musl() {
  case $(ldd --version 2>&1 || true) in
    *musl*) return 0 ;;
    *GLIBC* | *GNU*) return 1 ;;
  esac
  ls /lib/ld-musl-* >/dev/null 2>&1 && ! ls /lib*/ld-linux-* >/dev/null 2>&1
}

# Such as linux-x64. The program for Linux links the system's C library: there is one for glibc and one for musl.
find_platform() {
  case $(uname -m) in
    x86_64 | amd64) architecture=x64 ;;
    aarch64 | arm64) architecture=arm64 ;;
    *) fail "There is no native pyresolve for the processor $(uname -m)." "$portable" ;;
  esac
  case $(uname -s) in
    Linux) if is_musl; then platform=linux-musl-$architecture; else platform=linux-$architecture; fi ;;
    Darwin) platform=osx-$architecture ;;
    MINGW* | MSYS* | CYGWIN*) fail 'This is Windows.' 'Use install.ps1 instead, in PowerShell.' ;;
    *) fail "There is no native pyresolve for $(uname -s)." "$portable" ;;
  esac
  [ "$platform" != linux-musl-arm64 ] ||
    fail 'There is no native pyresolve for musl on arm64.' "$portable"
}

# https, except from this machine: a checksum from the same place protects nothing against who changes both on the way.
download() {
  case $1 in
    https://* | http://127.0.0.1:* | http://localhost:*) ;;
    *) fail "The address does not begin with https: $1" 'PYRESOLVE_RELEASES has to be the address of the releases, with https://' ;;
  esac
  if command -v curl >/dev/null 2>&1; then
    curl --fail --silent --show-error --location --proto-redir =https --retry 2 --output "$2" "$1" 2>"$temporary/error"
  elif command -v wget >/dev/null 2>&1; then
    wget -q -O "$2" "$1" 2>"$temporary/error" || {
      echo "wget ended with exit code $?" >>"$temporary/error"
      return 1
    }
  else
    fail 'Neither curl nor wget is installed, and one is needed to download pyresolve.' \
      'Install one, such as with: apt-get install curl'
  fi
}

checksum() {
  if command -v sha256sum >/dev/null 2>&1; then
    sha256sum "$1"
  elif command -v shasum >/dev/null 2>&1; then
    shasum -a 256 "$1"
  elif command -v openssl >/dev/null 2>&1; then
    openssl dgst -sha256 -r "$1"
  else
    fail 'None of sha256sum, shasum and openssl is installed, and one is needed to verify the download.' \
      'Install one, such as with: apt-get install coreutils'
  fi
}

install_release() {
  case $version in
    -*) fail "There is no option $version." 'sh install.sh [<version>], or sh install.sh --uninstall' ;;
  esac
  releases=${releases%/}
  case $releases in
    @*) fail 'This copy of install.sh does not know where the releases are.' \
      'Take it from a release, or set PYRESOLVE_RELEASES to the address of the releases.' ;;
  esac
  case $version in
    @* | latest) from=$releases/latest/download ;;
    *) from=$releases/download/v${version#v} ;;
  esac
  find_platform
  archive=pyresolve-$platform.tar.gz
  temporary=$(mktemp -d) || fail 'There is no folder for temporary files.' 'Name one that you may write to: TMPDIR=/some/folder'
  trap 'rm -rf "$temporary" "$folder/.pyresolve.$$"' EXIT
  trap 'exit 130' INT TERM HUP
  download "$from/SHA256SUMS" "$temporary/SHA256SUMS" ||
    fail "Cannot download $from/SHA256SUMS" "$(head -n 1 "$temporary/error")" \
      "Is there such a release? Look at $releases. Behind a proxy, set https_proxy."
  expected=$(sed -n "s/^\([0-9a-f]\{64\}\) [ *]$archive\$/\1/p" "$temporary/SHA256SUMS")
  [ -n "$expected" ] || fail "The release has no program for $platform." "$portable"
  download "$from/$archive" "$temporary/$archive" ||
    fail "Cannot download $from/$archive" "$(head -n 1 "$temporary/error")" 'Nothing was installed. Try again.'

  sum=$(checksum "$temporary/$archive")
  actual=${sum%% *}
  [ "$actual" = "$expected" ] || fail \
    "The checksum of $archive is wrong: the download is damaged, or is not the released file." \
    "expected $expected" "received $actual" 'Nothing was installed. Try again.'
  tar -xzf "$temporary/$archive" -C "$temporary" 2>"$temporary/error" ||
    fail "Cannot unpack $archive." "$(head -n 1 "$temporary/error")" 'Are tar and gzip installed, and is there room?'

  mkdir -p "$folder" 2>/dev/null || fail "Cannot create $folder." "$elsewhere"
  folder=$(cd "$folder" && pwd)
  [ ! -d "$folder/pyresolve" ] || fail "$folder/pyresolve is a folder." "Move it away. $elsewhere"
  # Tried where it will be: programs may not be allowed to run among temporary files.
  { cp "$temporary/pyresolve/pyresolve" "$folder/.pyresolve.$$" && chmod 755 "$folder/.pyresolve.$$"; } 2>/dev/null ||
    fail "Cannot write to $folder." "$elsewhere"
  said=$("$folder/.pyresolve.$$" --version 2>&1) || fail \
    "The downloaded program does not run here: $(echo "$said" | head -n 1)" \
    'On Linux with glibc it needs glibc 2.34 or later.' "$portable"
  # Renamed within the folder: a pyresolve that is running goes on, and there is never half of one.
  mv -f "$folder/.pyresolve.$$" "$folder/pyresolve" 2>/dev/null || fail "Cannot replace $folder/pyresolve." "$elsewhere"
  echo "✓ Installed pyresolve $said as $folder/pyresolve"
  say_how_to_reach_it
}

say_how_to_reach_it() {
  found=$(command -v pyresolve || true)
  case :${PATH:-}: in
    *:"$folder":*) [ "$found" = "$folder/pyresolve" ] ||
      echo "! Your shell finds another pyresolve first: $found. Remove it, or put $folder before it in PATH." ;;
    *) echo "! $folder is not in PATH. For this shell, and as a line in ~/.profile for later ones: export PATH=\"$folder:\$PATH\"" ;;
  esac
}

uninstall() {
  [ -f "$folder/pyresolve" ] ||
    fail "There is no $folder/pyresolve." 'Name the folder that it was installed into: PYRESOLVE_INSTALL=/some/folder'
  rm -f "$folder/pyresolve" 2>/dev/null || fail "Cannot remove $folder/pyresolve." 'Do it as the user who installed it.'
  echo "✓ Removed $folder/pyresolve"
  echo "  Logins and usage that was not sent yet stay in ${PYRESOLVE_HOME:-~/.pyresolve}"
}

main() {
  folder=${folder%/}
  case $folder in
    /.local/bin) fail 'HOME is not set, so there is no place to install into.' 'Name a folder: PYRESOLVE_INSTALL=/some/folder' ;;
  esac
  case $version in
    --uninstall) uninstall ;;
    *) install_release ;;
  esac
}

# In a function that is called last: half of a file that is piped into a shell does nothing.
main
