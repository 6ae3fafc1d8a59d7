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

# compress compresses the layers of an OCI layout as well as gzip can, which buildah has no option for. It
# prints the size of each image, and fails if one is larger than a bound.
compress() {
	python3 - "$1" "$most" <<'END'
import gzip
import hashlib
import json
import pathlib
import sys

folder, most = pathlib.Path(sys.argv[1]), int(sys.argv[2])


def path(digest):
    return folder / "blobs" / digest.replace(":", "/")


def replace(of, data):
    """Store data in the place of what a descriptor describes."""
    path(of["digest"]).unlink(missing_ok=True)
    of["digest"], of["size"] = "sha256:" + hashlib.sha256(data).hexdigest(), len(data)
    path(of["digest"]).write_bytes(data)


def text(document):
    return json.dumps(document, separators=(",", ":")).encode()


index = json.loads((folder / "index.json").read_bytes())
images = json.loads(path(index["manifests"][0]["digest"]).read_bytes())
for image in images["manifests"]:
    manifest = json.loads(path(image["digest"]).read_bytes())
    for layer in manifest["layers"]:
        replace(layer, gzip.compress(gzip.decompress(path(layer["digest"]).read_bytes()), 9, mtime=0))
    replace(image, text(manifest))
    size = sum(layer["size"] for layer in manifest["layers"])
    print(f"  {image['platform']['architecture']}: {image['digest']}, {size / 1e6:.1f} MB compressed")
    if size > most:
        sys.exit(f"the image is larger than {most / 1e6:.0f} MB")
replace(index["manifests"][0], text(images))
(folder / "index.json").write_bytes(text(index))
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
	echo "credential-resolver:$2, the same twice:"
	compress "$3"
	echo "  all: $(digest "$3")"
}

make_image full "$version" bin/image/oci
make_image nocloud "$version-nocloud" bin/image/oci-nocloud
buildah tag "localhost/credential-resolver:$version" credential-resolver:latest
