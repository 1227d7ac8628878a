# Every target works on a fresh clone by itself. `make` lists them.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The Node.js among the project's packages goes before the system's, which may be too old.
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

# More arguments for vitest: make test VITEST="test/unit/queue.test.ts -t steps"
VITEST ?=

deps := node_modules/.deps-installed
sources := $(shell find src -type f)

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: deps
deps: $(deps) ## install the packages of package-lock.json

$(deps): package.json package-lock.json
	@hack/preflight.sh deps
	npm ci --no-fund --no-audit --loglevel=error
	@hack/preflight.sh node
	@touch $@

.PHONY: check
check: types lint format unused imports generated ## all that can be said without running it (the six targets below)

.PHONY: types
types: $(deps) ## check types
	tsc

.PHONY: lint
lint: $(deps) ## lint
	oxlint --type-aware --deny-warnings

.PHONY: format
format: $(deps) ## check the format
	@biome format . || { echo 'run: npm run format:write' >&2; exit 1; }

.PHONY: unused
unused: $(deps) ## look for unused files, exports and packages
	knip

.PHONY: imports
imports: $(deps) ## check that imports point down only
	node hack/imports.ts

.PHONY: generated
generated: $(deps) ## check that generated files are up to date
	node hack/crds.ts --check
	node hack/docs.ts --check
	node hack/dashboard.ts --check
	node hack/argocd.ts --check
	node hack/chart.ts --check

.PHONY: generate
generate: $(deps) ## write crds/, docs/kinds/, docs/metrics.md, the dashboard, Argo CD's health script, and what the chart has of them
	node hack/crds.ts
	node hack/docs.ts
	node hack/dashboard.ts
	node hack/argocd.ts
	node hack/chart.ts

.PHONY: manifests
manifests: $(deps) ## write what deploy/ has of the chart, rendered (with helm, which is built first if need be)
	@test/packaging/tools.sh || [ $$? -eq 77 ]
	node hack/deploy.ts

.PHONY: build
build: build/freehold ## build the operator into build/freehold

build/freehold: $(deps) hack/build.ts hack/launcher.sh $(sources)
	node hack/build.ts

# What builds the image: docker (with BuildKit), podman or buildah; what else it is to be told: IMAGE_OPTIONS.
BUILDER ?= docker
version := $(shell sed -n 's/^  "version": "\(.*\)",$$/\1/p' package.json)
IMAGE ?= freehold:$(version)
image_arguments := $(foreach name,BUILD_IMAGE RUNTIME_IMAGE,$(if $($(name)),--build-arg $(name)=$($(name))))

.PHONY: image
image: ## build the container image (IMAGE=registry.example/freehold:1, BUILDER=docker, BUILD_IMAGE=, RUNTIME_IMAGE=)
	$(BUILDER) build --tag $(IMAGE) $(image_arguments) --build-arg VERSION=$(version) \
		--build-arg REVISION=$$(git describe --always --dirty --abbrev=40 --exclude='*' 2>/dev/null || echo unknown) $(IMAGE_OPTIONS) .

.PHONY: sbom
sbom: build/sbom.cdx.json ## write the bill of materials (CycloneDX) to build/sbom.cdx.json

build/sbom.cdx.json: $(deps) hack/sbom.ts
	node hack/sbom.ts $@

.PHONY: test
test: test-tools build/freehold ## run the tests
	vitest run $(if $(findstring --project,$(VITEST)),,--project unit --project integration --project simulation) $(VITEST)

.PHONY: simulate
simulate: $(deps) ## run random histories of the whole operator on a virtual clock (SEEDS=1000, FROM=1)
	node test/simulation/run.ts --seeds $(or $(SEEDS),1000) --from $(or $(FROM),1)

# Each planted bug gets this many histories to be caught.
PLANTED_SEEDS ?= 500

.PHONY: planted-bugs
planted-bugs: $(deps) ## plant each known mistake into a copy, and show that the simulation catches it (about an hour)
	node test/planted/run.ts --max-seeds $(PLANTED_SEEDS)

.PHONY: chaos
chaos: test-tools build/freehold ## break everything around two operators and look at the laws (MINUTES=3, SEED=, RESOURCES=200)
	node test/chaos/run.ts

.PHONY: test-ironic
test-ironic: test-tools build/freehold ## run the tests against a real Keystone and Ironic (on Debian, as root)
	@test/openstack/openstack.sh install; code=$$?; \
	if [ $$code -eq 77 ]; then echo 'skipped: NOTHING was tested against a real Ironic'; exit 0; fi; \
	[ $$code -eq 0 ] && vitest run --project ironic $(VITEST)

.PHONY: test-packaging
test-packaging: test-tools build/freehold ## run the tests of chart, image, manifests, alerts and health scripts (on Debian, as root)
	@test/packaging/tools.sh; code=$$?; \
	if [ $$code -eq 77 ]; then echo 'skipped: NOTHING of the packaging was tested'; exit 0; fi; \
	[ $$code -eq 0 ] && vitest run --project packaging $(VITEST)

.PHONY: test-tools
test-tools: ## build the API server and the kubectl of the tests
	@hack/preflight.sh test
	test/controlplane/build.sh

# Options of bench/run.ts by the names of make: N=1000, RUNS=3, KIND=BareMetalNode, BUDGET=20, MINUTES=10, and so on.
bench_options := $(foreach name,N KIND RUNS BUDGET MINUTES LATENCY MOTION POLL DOOR,$(if $($(name)),--$(shell echo $(name) | tr A-Z a-z) $($(name))))

.PHONY: bench
bench: test-tools build/freehold ## measure, into bench/results and docs/performance.md (SCENARIO=apply N=1000 RUNS=3; all: half an hour)
	@[ '$(SCENARIO)' != ironic ] || test/openstack/openstack.sh install >/dev/null
	node bench/run.ts $(SCENARIO) $(bench_options)

.PHONY: quickstart
quickstart: test-tools build/freehold ## try it out here, against simulated clouds
	node hack/quickstart.ts

.PHONY: clean
clean: ## remove what was built; packages stay
	rm -rf build coverage
