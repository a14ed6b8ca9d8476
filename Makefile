# The two commands of README.md are `make demo` and `make test`; each installs by itself what it lacks.

ARGS ?=

.PHONY: help demo test fire soak fuzz reliability bench beside docs lint sbom release reproducible

help:
	@echo "make demo          run the gate on synthetic studies (ARGS=--once: then exit)"
	@echo "make test          run every test, with real DICOM peers (ARGS='--test it sigkill': some of them)"
	@echo "make fire          run the gate under fire, in short: power cuts, full disks, floods (some of it needs root)"
	@echo "make soak          half an hour of load and a sick PACS, with memory and descriptors watched (MARKGATE_SOAK=12h)"
	@echo "make fuzz          feed every parser with anything (ARGS='3600 dataset_stream': seconds, and which)"
	@echo "make reliability   measure every promise at length and write RELIABILITY.md (root; ARGS='fire power_cut': a part)"
	@echo "make bench         measure everything, and what is reached beside bare references (ARGS: what cargo bench takes, and that alone)"
	@echo "make beside        what is reached beside bare references (MARKGATE_BENCH: the folder of the bench that has them)"
	@echo "make docs          write docs/rules.md and docs/rules.zh-CN.md from the built-in rules"
	@echo "make lint          formatting, clippy, documentation, licences, known vulnerabilities"
	@echo "make sbom          the bill of materials, CycloneDX, into target/"
	@echo "make release       the program for release; make reproducible: build it twice and compare"

demo:
	@scripts/setup.sh demo
	cargo run --quiet --locked -- demo $(ARGS)

test:
	@scripts/setup.sh test
	cargo test --locked $(ARGS)

fire:
	@scripts/setup.sh test
	cargo test --locked --test fire $(ARGS) -- --nocapture

soak:
	@scripts/setup.sh test
	MARKGATE_FIRE=long cargo test --locked --release --test fire soak $(ARGS) -- --nocapture

fuzz:
	@scripts/setup.sh demo
	scripts/fuzz.sh $(ARGS)

reliability:
	@scripts/setup.sh test
	scripts/reliability.sh $(ARGS)

bench:
	@scripts/setup.sh test
	cargo bench --locked $(ARGS)
	@[ -n "$(ARGS)" ] || scripts/beside.py

beside:
	@scripts/beside.py $(ARGS)

# Into files beside, so that a build that fails leaves the manuals as they are.
docs:
	@scripts/setup.sh demo
	mkdir -p docs target
	cargo run --quiet --locked -- rules doc --lang en > target/rules.md
	cargo run --quiet --locked -- rules doc --lang zh > target/rules.zh-CN.md
	cp target/rules.md target/rules.zh-CN.md docs/

lint:
	@scripts/setup.sh lint
	scripts/lint.sh

sbom:
	@scripts/setup.sh lint
	scripts/sbom.sh

release:
	@scripts/setup.sh demo
	scripts/release.sh

reproducible:
	@scripts/setup.sh demo
	scripts/reproducible.sh
