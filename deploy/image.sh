#!/usr/bin/env bash
# Builds the image for each architecture from bin/image, twice, and fails if the two differ or if one is
# too large. "make image" prepares bin/image and runs this.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1
revision=$2
archs=(amd64 arm64)
most=25000000 # bytes of the compressed layers of one architecture

buildah() { command buildah --storage-driver vfs "$@"; }

# build makes the list of images $1, and writes it as an OCI layout to the folder $2.
build() {
	buildah manifest rm "$1" >/dev/null 2>&1 || true
	buildah manifest create "$1" >/dev/null
	for arch in "${archs[@]}"; do
		# Nothing in the image depends on the time, or on the version of buildah.
		buildah bud --quiet --isolation chroot --no-cache --timestamp 0 --identity-label=false --platform "linux/$arch" -f deploy/Dockerfile \
			--label org.opencontainers.image.title=credential-resolver \
			--label org.opencontainers.image.description="Finished credentials for Dapr applications" \
			--label org.opencontainers.image.licenses=Apache-2.0 \
			--label org.opencontainers.image.version="$version" \
			--label org.opencontainers.image.revision="$revision" \
			-t "credential-resolver:$version-$arch" . 2>&1 >/dev/null | { grep -v 'build args were not consumed' || true; }
		buildah manifest add "$1" "localhost/credential-resolver:$version-$arch" >/dev/null
	done
	rm -rf "$2"
	buildah manifest push --quiet --all "$1" "oci:$2:latest" >/dev/null
}

# digest prints the digest of the list of images in an OCI layout.
digest() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1] + "/index.json"))["manifests"][0]["digest"])' "$1"; }

build credential-resolver:again bin/image/again
build "credential-resolver:$version" bin/image/oci
if [ "$(digest bin/image/oci)" != "$(digest bin/image/again)" ]; then
	echo "the image has another digest when it is built again: $(digest bin/image/oci), $(digest bin/image/again)" >&2
	exit 1
fi
buildah tag "localhost/credential-resolver:$version" credential-resolver:latest
rm -rf bin/image/again
echo "credential-resolver:$version $(digest bin/image/oci), the same twice"
python3 - bin/image/oci "$most" <<'END'
import json
import sys

folder, most = sys.argv[1], int(sys.argv[2])


def read(digest):
    return json.load(open(f"{folder}/blobs/{digest.replace(':', '/')}"))


for image in read(json.load(open(f"{folder}/index.json"))["manifests"][0]["digest"])["manifests"]:
    size = sum(layer["size"] for layer in read(image["digest"])["layers"])
    print(f"  {image['platform']['architecture']}: {image['digest']}, {size / 1e6:.1f} MB compressed")
    if size > most:
        sys.exit(f"the image is larger than {most / 1e6:.0f} MB")
END
