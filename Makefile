# Every verb that people and CI use. `make test` is the whole proof; `make check` the quick loop.

.PHONY: run check test soak bench dist playground schema settings

# The server, with an embedded database in this folder.
run:
	cargo run -- serve

# The quick loop: formatting, lints, and the tests on SQLite, but for the exhaustive check of the lifecycle.
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --test faults --locked -- -D warnings
	cargo test --workspace --locked -- --skip model::

# Everything, from a cold start: installs what is missing, then proves it on both databases and in a real browser.
test:
	./tests/install
	$(MAKE) check
	cargo test --locked --test it model:: -- --nocapture
	./tests/with-postgres cargo test --locked --test it -- --include-ignored --skip model:: --skip ::on_sqlite_
	./tests/with-postgres ./tests/with-pgbouncer cargo test --locked --test it -- --include-ignored replicas::change rotation:: index_build:: --skip whatever_isolation
	cargo test --locked --test faults
	./tests/glean-clients
	cd tests/graphql-conformance && npm ci --no-audit --no-fund && node run.mjs
	./tests/generated-clients
	./tests/oauth-clients
	./tests/with-postgres ./tests/openapi-clients
	./tests/gateways
	./tests/with-postgres ./tests/monitoring
	./tests/traces
	./tests/subscription-clients
	./tests/webhooks
	./tests/mail
	./tests/backups
	./tests/with-postgres ./tests/import
	./tests/packages
	./tests/deployments
	./tests/three-machines
	./tests/upgrade
	cd playground && npm ci --no-audit --no-fund && npm run test:unit
	./tests/playground-is-fresh
	cd playground && npm run test:browser

# The fault tests in their long form, for an hour or more.
soak:
	./tests/install
	cargo test --locked --test faults -- --long

# A tarball, a Debian package and their checksums, in target/dist.
dist:
	./packaging/build

# The playground's built files, which are committed so that `cargo run` needs no Node.
playground:
	cd playground && npm ci --no-audit --no-fund && npm run build

# The committed schema, from the code.
schema:
	cargo run --quiet -- schema > schema.graphql

# The example of a settings file, from the help of the flags.
settings:
	cargo run --quiet -- config example > docs/rotakey.toml

# What the server does beside the least that could do the same, and the cost of its parts; `make bench ONLY="verify list"`
# measures less.
bench:
ifndef ONLY
	cargo bench --locked --bench rotation --bench verify --bench graphql
endif
	cargo bench --locked --bench load -- $(ONLY)
