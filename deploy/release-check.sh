#!/usr/bin/env bash
# Says why the version $1 cannot be released from this commit, and fails. "make release" runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1

refuse() {
	echo "make release: $1" >&2
	exit 1
}

[[ $version =~ ^v(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?$ ]] ||
	refuse "the version \"$version\" is not of the form v1.2.3: tag the commit, with git tag -a v1.2.3"
[ -z "$(git status --porcelain)" ] || refuse "there are changes that are not committed"
[ "$(git rev-parse -q --verify "refs/tags/$version^{commit}" || true)" = "$(git rev-parse HEAD)" ] ||
	refuse "the tag $version is not on this commit"
grep -qF "## [${version#v}]" CHANGELOG.md || refuse "CHANGELOG.md has no section \"## [${version#v}]\""
[ -n "${SIGNING_KEY:-}" ] || refuse "SIGNING_KEY is not set: name the file of your SSH key"
