#!/bin/sh
# Sees that the system's packages for the tests are there. As root on Debian it installs what is missing; otherwise one
# sentence names it. Asks files, not the package manager: 10 ms when nothing is missing.
#
#   packages.sh            all of them
#   packages.sh java ...   some of: postgresql java maven chromium fonts node
set -eu

# The newest major version that a program in one of these folders belongs to is enough: 15 for PostgreSQL, 17 for Java.
have_postgresql() {
  for initdb in /usr/lib/postgresql/*/bin/initdb; do
    major=${initdb#/usr/lib/postgresql/}
    major=${major%%/*}
    [ -x "$initdb" ] && [ "${major%%[!0-9]*}" -ge 15 ] && return 0
  done
  command -v initdb >/dev/null # elsewhere: the tests look at its version themselves
}

have_java() {
  java=$(command -v java) || return 1
  release=$(dirname "$(dirname "$(readlink -f "$java")")")/release
  [ -r "$release" ] || return 0 # not the usual layout: whoever starts it will see
  version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$release")
  [ "${version:-0}" -ge 17 ]
}

have_maven() { command -v mvn >/dev/null; }
have_chromium() { [ -x /usr/bin/chromium ]; }
have_fonts() { [ -r /usr/share/fonts/truetype/dejavu/DejaVuSans.ttf ]; }
have_node() { command -v node >/dev/null && command -v npm >/dev/null; }

debian_packages() {
  case $1 in
  postgresql) echo postgresql ;;
  java) echo default-jre-headless ;;
  maven) echo maven ;;
  chromium) echo chromium ;;
  fonts) echo fonts-dejavu-core ;;
  node)
    # Other people's nodejs package brings npm along and conflicts with Debian's.
    command -v node >/dev/null || echo nodejs
    command -v npm >/dev/null || echo npm
    ;;
  esac
}

missing_packages() {
  for need in "$@"; do
    case $need in
    postgresql | java | maven | chromium | fonts | node) ;;
    *)
      echo "packages.sh: unknown need $need (one of: postgresql java maven chromium fonts node)" >&2
      exit 2
      ;;
    esac
    "have_$need" || debian_packages "$need"
  done
}

[ $# -gt 0 ] || set -- postgresql java maven chromium fonts node
missing=$(missing_packages "$@")
[ -n "$missing" ] || exit 0
missing=$(echo $missing) # on one line

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
  echo "The tests need packages that are missing here: $missing (as root on Debian, scripts/setup/packages.sh installs them)." >&2
  exit 1
fi

echo "installing: $missing"
export DEBIAN_FRONTEND=noninteractive
case " $missing " in
*" postgresql "*)
  # The tests start servers of their own: the system need not get one, on port 5432, just because we want the programs.
  if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
    mkdir -p /etc/postgresql-common
    echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
  fi
  ;;
esac
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() { apt-get -qq -o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold "$@" >"$log" 2>&1; }
# shellcheck disable=SC2086 # names of packages, one word each
if ! { apt update && apt install -y --no-install-recommends $missing; }; then
  cat "$log" >&2
  echo "apt-get could not install the packages that the tests need: $missing (its last words are above)." >&2
  exit 1
fi
missing=$(missing_packages "$@")
if [ -n "$missing" ]; then
  echo "The tests need newer versions than this system's packages have: $(echo $missing)." >&2
  exit 1
fi
