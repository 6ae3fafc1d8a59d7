#!/usr/bin/env bash
# Builds the images from bin/image, for each architecture: with the stores of the clouds, and without. It
# builds each twice, and fails if the two differ or if one is too large. "make image" prepares bin/image and
# runs this.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1
revision=$2
archs=(amd64 arm64)
most=25000000 # bytes of the compressed layers of one architecture

buildah() { command buildah --storage-driver vfs "$@"; }

# build makes the list of images $1 of the variant $3, and writes it as an OCI layout to the folder $2.
build() {
	buildah manifest rm "$1" >/dev/null 2>&1 || true
	buildah manifest create "$1" >/dev/null
	for arch in "${archs[@]}"; do
		# Nothing in the image depends on the time, or on the version of buildah.
		buildah bud --quiet --isolation chroot --no-cache --timestamp 0 --identity-label=false --platform "linux/$arch" -f deploy/Dockerfile \
			--build-arg "VARIANT=$3" \
			--label org.opencontainers.image.title=credential-resolver \
			--label org.opencontainers.image.description="Finished credentials for Dapr applications" \
			--label org.opencontainers.image.licenses=Apache-2.0 \
			--label org.opencontainers.image.version="$version" \
			--label org.opencontainers.image.revision="$revision" \
			-t "credential-resolver:$version-$3-$arch" . 2>&1 >/dev/null | { grep -v 'build args were not consumed' || true; }
		buildah manifest add "$1" "localhost/credential-resolver:$version-$3-$arch" >/dev/null
	done
	rm -rf "$2"
	buildah manifest push --quiet --all "$1" "oci:$2:latest" >/dev/null
}

# digest prints the digest of the list of images in an OCI layout.
digest() { python3 -c 'import json, sys; print(json.load(open(sys.argv[1] + "/index.json"))["manifests"][0]["digest"])' "$1"; }

# sizes prints the size of each image of an OCI layout, and fails if one is larger than a bound.
sizes() {
	python3 - "$1" "$most" <<'END'
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
}

# make_image builds the variant $1 with the tag $2 in the folder $3.
make_image() {
	build credential-resolver:again bin/image/again "$1"
	build "credential-resolver:$2" "$3" "$1"
	if [ "$(digest "$3")" != "$(digest bin/image/again)" ]; then
		echo "the image has another digest when it is built again: $(digest "$3"), $(digest bin/image/again)" >&2
		exit 1
	fi
	rm -rf bin/image/again
	echo "credential-resolver:$2 $(digest "$3"), the same twice"
	sizes "$3"
}

make_image full "$version" bin/image/oci
make_image nocloud "$version-nocloud" bin/image/oci-nocloud
buildah tag "localhost/credential-resolver:$version" credential-resolver:latest
