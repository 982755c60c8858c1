# dragoman: `make help` lists what there is.  Configuration is by variables: CC, BUILD, SAN, T, S.
BUILD   ?= build/release
ifeq ($(origin CC),default)
CC      := gcc
endif
VERSION := $(shell cat VERSION)

PKGS    := libuv libllhttp yyjson openssl yaml-0.1
WARN    := -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wformat=2 \
           -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wcast-qual -Wwrite-strings -Wundef \
           -Wpointer-arith -Wimplicit-fallthrough -Wswitch-enum -Wdouble-promotion \
           -Wnull-dereference -Werror
HARDEN  := -O2 -D_FORTIFY_SOURCE=3 -fstack-protector-strong -fstack-clash-protection \
           -fcf-protection=full -ftrivial-auto-var-init=zero
HARDLD  := -Wl,-z,relro,-z,now -Wl,-z,noexecstack
SAN     ?=
ifneq ($(SAN),)
HARDEN  := -O1 -fno-omit-frame-pointer -fsanitize=$(SAN)
HARDLD  := -fsanitize=$(SAN)
endif

SRC     := $(sort $(wildcard src/*/*.c))
LIBOBJ  := $(SRC:%.c=$(BUILD)/%.o)
UNIT    := $(sort $(wildcard tests/unit/*/*_test.c))
UNITBIN := $(UNIT:tests/unit/%.c=$(BUILD)/unit/%)
# Which packages' flags are known only once tools/deps.sh has run, so they are asked for late.
CFLAGS_ALL = -std=gnu17 -D_GNU_SOURCE -DDRAGOMAN_VERSION='"$(VERSION)"' -Isrc -g -fPIE -pthread \
             $(WARN) $(HARDEN) $(shell pkg-config --cflags $(PKGS)) $(CFLAGS)
LIBS       = $(shell pkg-config --libs $(PKGS)) -pthread -lm

.PHONY: all
all: $(BUILD)/dragoman

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	@echo "  cc $<"; $(CC) $(CFLAGS_ALL) -MMD -MP -c $< -o $@

$(BUILD)/libdragoman.a: $(LIBOBJ)
	@rm -f $@
	$(AR) rcs $@ $(LIBOBJ)

$(BUILD)/dragoman: $(BUILD)/src/main.o $(BUILD)/libdragoman.a
	$(CC) -pie $(HARDLD) -pthread $^ -o $@ $(LIBS)

$(BUILD)/unit/%: tests/unit/%.c $(BUILD)/libdragoman.a
	@mkdir -p $(@D)
	@echo "  test $@"; $(CC) $(CFLAGS_ALL) -Itests -MMD -MP $< -o $@ -pie $(HARDLD) $(BUILD)/libdragoman.a $(LIBS) -lcmocka

.PHONY: unit
unit: $(UNITBIN)

-include $(LIBOBJ:.o=.d) $(UNITBIN:=.d) $(BUILD)/src/main.d
