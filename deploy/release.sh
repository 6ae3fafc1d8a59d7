#!/usr/bin/env bash
# Makes the files of a release in dist: an archive and an SBOM for each platform, the Helm chart, and
# checksums with a signature. It makes them twice, and fails if the two differ.
# "make release" and "make release-dry" prepare bin/release and run this.
#
# $SIGNING_KEY is the file of the releaser's SSH key: a private key, or a public key whose private
# key an agent holds. Without it, a key that is made here and thrown away signs.
set -euo pipefail
cd "$(dirname "$0")/.."
tag=$1 # also of the image that "make image" builds
version=${tag#v}
shift
platforms=("$@")

# No file depends on the time of the build, on the umask or on the language.
export LC_ALL=C SOURCE_DATE_EPOCH
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
umask 022
staging=$(mktemp -d)
trap 'rm -rf "$staging"' EXIT

# archive makes the archive and the SBOM of the platform $2 in the folder $1.
archive() {
	local name=credential-resolver_${version}_${2/\//_} from=bin/release/$2
	mkdir -p "$staging/$name"
	install -m 0755 "$from/credential-resolver" "$staging/$name"
	install -m 0644 LICENSE "$from/licenses/NOTICES.txt" README.md CHANGELOG.md "$staging/$name"
	tar -C "$staging" --format=gnu --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner -c "$name" |
		gzip -n >"$1/$name.tar.gz"
	install -m 0644 "$from/licenses/sbom.cdx.json" "$1/$name.sbom.cdx.json"
	rm -r "${staging:?}/$name"
}

# chart packages the Helm chart in the folder $1. Its image is the one of this version.
chart() {
	local of=$version
	[[ $of =~ ^[0-9]+\.[0-9]+\.[0-9]+ ]] || of=0.0.0-g$version # helm takes only semantic versions
	cp -r deploy/chart "$staging/credential-resolver"
	sed -i "s/^  tag: latest\$/  tag: \"$tag\"/" "$staging/credential-resolver/values.yaml"
	grep -qF "  tag: \"$tag\"" "$staging/credential-resolver/values.yaml"
	find "$staging/credential-resolver" -exec touch -d "@$SOURCE_DATE_EPOCH" {} + # helm packs these times
	bin/helm package --version "$of" --app-version "$tag" --destination "$1" "$staging/credential-resolver" >/dev/null
	rm -r "$staging/credential-resolver"
}

# files makes everything that is signed in the folder $1.
files() {
	rm -rf "$1"
	mkdir -p "$1"
	for platform in "${platforms[@]}"; do archive "$1" "$platform"; done
	chart "$1"
	(cd "$1" && sha256sum -- * >"$staging/checksums" && mv "$staging/checksums" checksums.txt)
}

files bin/release/again
files dist
diff -u bin/release/again/checksums.txt dist/checksums.txt || { echo "the files differ when they are made again" >&2; exit 1; }
rm -r bin/release/again

key=${SIGNING_KEY:-}
if [ -z "$key" ]; then
	key=$staging/key
	ssh-keygen -q -t ed25519 -N '' -C 'a key of a dry run' -f "$key"
fi
ssh-keygen -q -Y sign -n file -f "$key" dist/checksums.txt
public=$key.pub
if [[ $key == *.pub ]]; then public=$key; fi
# The form in which ssh-keygen takes the keys that it trusts.
echo "credential-resolver namespaces=\"file\" $(cut -d' ' -f1,2 "$public")" >dist/allowed_signers
(cd dist && du -h -- * | sort -k2)
