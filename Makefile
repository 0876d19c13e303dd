# A thin front for people; Meson and Ninja do the work (see meson.build).

prefix ?= /usr/local
PREFIX ?= $(prefix)
DESTDIR ?=
BUILD := build

# What a fresh Debian or Ubuntu machine lacks: to build and to run the demo, and to test.
BUILD_PACKAGES := gcc libc6-dev meson ninja-build pkg-config libgsasl-dev libidn2-dev \
	libjansson-dev libmicrohttpd-dev libssl-dev liburing-dev libjs-chart.js zlib1g-dev python3
TEST_PACKAGES := $(BUILD_PACKAGES) libcmocka-dev python3-jsonschema python3-prometheus-client tmux valgrind \
	man-db procps debian-archive-keyring openssl curl swaks libnet-ssleay-perl

.PHONY: all tests demo check check-full bench bench-quick install clean setup setup-check

all: $(BUILD)/build.ninja
	ninja -C $(BUILD)

$(BUILD)/build.ninja: | setup
	meson setup $(BUILD) --prefix $(PREFIX)

setup:
	@tests/packages $(BUILD_PACKAGES)

setup-check:
	@tests/packages $(TEST_PACKAGES)

# 100,000 messages over 20 sessions to an embedded sink.
demo: all
	$(BUILD)/smtp-source -d -s 20 -m 100k sink:

# A build that was set up when cmocka was not there, as for the demo, lacks them.
tests: setup-check all
	@[ -d $(BUILD)/tests/unit ] || { meson setup --reconfigure $(BUILD) && ninja -C $(BUILD); }

check: tests
	tests/check

check-full: tests
	tests/check --full

bench: setup-check all
	bench/bench
	bench/rates

bench-quick: setup-check all
	bench/bench --quick
	bench/rates --quick

install: all
	meson configure $(BUILD) --prefix "$(PREFIX)"
	DESTDIR="$(DESTDIR)" meson install -C $(BUILD) --quiet

clean:
	rm -rf $(BUILD)
