/*
 * Test content records: how tests that only exist at run time get into swift-testing.
 *
 * swift-testing finds tests by walking the section `swift5_tests` of the executable, an array of fixed-size records
 * (swift-testing, Documentation/ABI/TestContent.md). A record carries an accessor that makes its `Test` when asked. The
 * number of records is fixed when we are compiled; how many of them represent a Lua test is decided at run time.
 */
#ifndef PROVIUM_RECORDS_H
#define PROVIUM_RECORDS_H

#include <stdbool.h>
#include <stdint.h>

/* Records compiled in, a multiple of 256: build with -Xcc -DPROVIUM_RECORD_PAGES=n for n x 256 of them. */
uintptr_t provium_record_capacity(void);

/*
 * Implemented in Swift: makes the test of record `index` at `out`, if there is one.
 * `type` points to the metadata of the caller's `Test` type; a process may hold several copies of swift-testing.
 */
/* Weak: without BridgedTests.swift there is no such function, and no record makes a test. */
extern __attribute__((weak)) bool provium_record_make(void *out, const void *type, const void *hint, uintptr_t index);

#endif
