# dragoman: `make help` lists what there is.
BUILD   ?= build/release
ifeq ($(origin CC),default)
CC      := gcc
endif
VERSION := $(shell cat VERSION)
PREFIX  ?= /usr/local
JOBS    ?= $(shell nproc)

PKGS    := libuv libllhttp yyjson openssl yaml-0.1 zlib
WARN    := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wformat=2 \
           -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wcast-qual -Wwrite-strings -Wundef \
           -Wpointer-arith -Wimplicit-fallthrough -Wswitch-enum -Wdouble-promotion \
           -Wnull-dereference -Werror
# Flags a compiler or a machine may lack are probed, once.
probe    = $(shell echo 'int main(void){return 0;}' | $(CC) -Werror $(1) -x c -o /dev/null - 2>/dev/null && echo '$(1)')
ifeq ($(SAN),)
HARDEN  := -O2 $(call probe,-D_FORTIFY_SOURCE=3) $(call probe,-fstack-protector-strong) \
           $(call probe,-fstack-clash-protection) $(call probe,-fcf-protection=full) \
           $(call probe,-ftrivial-auto-var-init=zero)
HARDLD  := -pie -Wl,-z,relro,-z,now -Wl,-z,noexecstack
# The program is optimised as a whole; tests link the objects as they are, which is quicker.
LTO     := $(call probe,-flto=auto -ffat-lto-objects)
else
HARDEN  := -O1 -fno-omit-frame-pointer -fsanitize=$(SAN) -fno-sanitize-recover=all
HARDLD  := -fsanitize=$(patsubst fuzzer-no-link%,fuzzer%,$(SAN))
endif
# What the packages need is known only once tools/deps.sh has run, so it is asked for late.
PKGFLAGS  = $(eval PKGFLAGS := $$(shell pkg-config --cflags $(PKGS)))$(PKGFLAGS)
PKGLIBS   = $(eval PKGLIBS := $$(shell pkg-config --libs $(PKGS)))$(PKGLIBS)
ALLFLAGS  = -std=gnu17 -D_GNU_SOURCE -DDRAGOMAN_VERSION='"$(VERSION)"' -Isrc -g -fPIE -pthread \
            $(WARN) $(HARDEN) $(LTO) $(PKGFLAGS) $(CFLAGS)
LIBS      = $(PKGLIBS) -pthread -lm

SRC     := $(sort $(wildcard src/*/*.c))
OBJ     := $(SRC:%.c=$(BUILD)/%.o)
UNIT    := $(patsubst tests/unit/%.c,$(BUILD)/unit/%,$(sort $(wildcard tests/unit/*/*_test.c)))
RETELL  := $(BUILD)/retell
FUZZ    := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(sort $(wildcard tests/fuzz/*_fuzz.c)))

.PHONY: all
all: deps-build                     ## build the program
	@$(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/dragoman

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  cc    $<"
	@$(CC) $(ALLFLAGS) -MMD -MP -c $< -o $@

$(BUILD)/libdragoman.a: $(OBJ)
	@rm -f $@
	@$(AR) rcs $@ $(OBJ)

$(BUILD)/dragoman: $(BUILD)/src/main.o $(BUILD)/libdragoman.a
	@echo "  link  $@"
	@$(CC) $(HARDLD) $(if $(LTO),-O2 -flto=$(JOBS)) -pthread $^ -o $@ $(LIBS)

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libdragoman.a
	@mkdir -p $(@D)
	@echo "  test  $<"
	@$(CC) $(ALLFLAGS) $(if $(LTO),-fno-lto) -Itests -MMD -MP $< -o $@ $(HARDLD) \
	    $(BUILD)/libdragoman.a $(LIBS) -lcmocka

$(RETELL): tests/retell/retell.c $(BUILD)/libdragoman.a
	@mkdir -p $(@D)
	@echo "  test  $<"
	@$(CC) $(ALLFLAGS) $(if $(LTO),-fno-lto) -Itests -MMD -MP $< -o $@ $(HARDLD) \
	    $(BUILD)/libdragoman.a $(LIBS)

$(BUILD)/fuzz/%: tests/fuzz/%.c $(BUILD)/libdragoman.a
	@mkdir -p $(@D)
	@echo "  fuzz  $<"
	@$(CC) $(ALLFLAGS) -Itests -Wno-missing-prototypes -MMD -MP $< -o $@ $(HARDLD) $(BUILD)/libdragoman.a $(LIBS)

-include $(OBJ:.o=.d) $(UNIT:=.d) $(FUZZ:=.d) $(RETELL:=.d) $(BUILD)/src/main.d

# ---- set-up ----

.PHONY: deps-build deps-test deps-check
deps-build deps-test deps-check:
	@tools/deps.sh $(@:deps-%=%)

tests/e2e/node_modules/.ready: tests/e2e/package-lock.json
	@cd tests/e2e && npm ci --silent --no-audit --no-fund
	@touch $@

# ---- what people type ----
# Set-up comes first and by itself, since what is built depends on what it installed.

.PHONY: run test unit lint asan tsan sanitized fuzz bench release install clean help programs fuzzers
programs: $(BUILD)/dragoman $(UNIT) $(RETELL)
fuzzers: $(FUZZ)

run: all                            ## build, then start the gateway with the quick-start configuration
	@$(BUILD)/dragoman serve

test: deps-test                     ## build, then unit, golden, corpus and end-to-end tests
	@$(MAKE) --no-print-directory -j$(JOBS) programs tests/e2e/node_modules/.ready
	@tools/test.sh $(BUILD)

unit: deps-test                     ## unit, golden and corpus tests only
	@$(MAKE) --no-print-directory -j$(JOBS) programs
	@tools/test.sh $(BUILD) unit

lint: deps-check                    ## format, layers, banned functions, sizes, analysers
	@tools/lint.sh

asan:                               ## all tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@$(MAKE) --no-print-directory sanitized BUILD=build/asan SAN=address,undefined CC=clang
tsan:                               ## all tests under ThreadSanitizer
	@$(MAKE) --no-print-directory sanitized BUILD=build/tsan SAN=thread CC=clang
sanitized: deps-check
	@$(MAKE) --no-print-directory -j$(JOBS) programs tests/e2e/node_modules/.ready
	@tools/test.sh $(BUILD)

T ?= all
S ?= 30
fuzz: deps-check                    ## fuzz T=name (or all) for S=seconds each
	@$(MAKE) --no-print-directory -j$(JOBS) fuzzers BUILD=build/fuzz CC=clang \
	    SAN=fuzzer-no-link,address,undefined
	@tools/fuzz.sh build/fuzz $(T) $(S)

bench: deps-test                    ## measure against nginx and a direct call
	@$(MAKE) --no-print-directory -j$(JOBS) $(BUILD)/dragoman
	@bench/run.sh $(BUILD)

release: all                        ## build a stripped program under build/release/dist
	@mkdir -p $(BUILD)/dist
	@objcopy --strip-debug $(BUILD)/dragoman $(BUILD)/dist/dragoman
	@ls -l $(BUILD)/dist/dragoman
	@tools/hardening.sh $(BUILD)/dist/dragoman

install: all                        ## install under PREFIX (/usr/local), honouring DESTDIR
	install -D -m 755 $(BUILD)/dragoman $(DESTDIR)$(PREFIX)/bin/dragoman
	install -D -m 644 docs/dragoman.1 $(DESTDIR)$(PREFIX)/share/man/man1/dragoman.1
	install -D -m 644 deploy/dragoman.example.yaml $(DESTDIR)$(PREFIX)/share/dragoman/dragoman.example.yaml

docs/configuration.md: $(BUILD)/dragoman
	$(BUILD)/dragoman manual configuration > $@

clean:                              ## remove everything that was built
	rm -rf build

help:                               ## list what there is
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
