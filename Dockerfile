# The operator as an image: docs/image.md. Any builder makes it (docker, podman, buildah); nothing but the two base images and
# the packages of package-lock.json is fetched.
#
# What makes the bundle: Node.js with npm.
ARG BUILD_IMAGE=docker.io/library/node:24-bookworm-slim
# What runs it: Node.js 24.6 or later in /nodejs/bin or on the usual path. No shell is needed, and none should be there.
ARG RUNTIME_IMAGE=gcr.io/distroless/nodejs24-debian12:nonroot

# The bundle is the same for every platform: it is made on the one at hand.
FROM --platform=${BUILDPLATFORM} ${BUILD_IMAGE} AS bundle
WORKDIR /source
COPY package.json package-lock.json ./
# No package's own script has to run for the bundle, so none may.
RUN npm ci --ignore-scripts --no-fund --no-audit
COPY LICENSE ./
COPY hack hack
COPY src src
RUN node hack/build.ts \
 && mkdir -p /freehold/compile-cache \
 && mv build/freehold.mjs build/freehold.mjs.map LICENSE /freehold/ \
 && rm -rf node_modules

# The Node.js that will run it compiles it here, once: its cache is of use to the same version, flags and user ID only.
FROM ${RUNTIME_IMAGE} AS compiled
ENV PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin NODE_COMPILE_CACHE=/freehold/compile-cache
COPY --from=bundle --chown=65532:65532 /freehold /freehold
USER 65532:65532
RUN ["node", "--max-semi-space-size=2", "--heap-growing-percent=50", "/freehold/freehold.mjs", "crds"]

FROM ${RUNTIME_IMAGE}
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Freehold" \
      org.opencontainers.image.description="Kubernetes operator for dedicated hypervisors, guest licences, vCenter registrations and bare-metal nodes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Memory, as hack/launcher.sh sets it outside of an image; docs/performance.md says what for.
ENV PATH=/nodejs/bin:/usr/local/bin:/usr/bin:/bin \
    NODE_COMPILE_CACHE=/freehold/compile-cache \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=131072 \
    MALLOC_TRIM_THRESHOLD_=131072
# Of root, and for nobody to write: compiled code is believed.
COPY --from=compiled --chown=0:0 --chmod=555 /freehold /freehold
WORKDIR /freehold
USER 65532:65532
EXPOSE 8080
# The heap follows the memory limit of the container: docs/image.md.
ENTRYPOINT ["node", "--max-semi-space-size=2", "--heap-growing-percent=50", "--max-old-space-size-percentage=60", "/freehold/freehold.mjs"]
