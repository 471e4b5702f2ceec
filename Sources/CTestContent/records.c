/*
 * Every record has an accessor of its own, with its index baked in. One shared accessor that counts its calls would lose
 * tests as soon as two threads enumerate at once.
 */
#include "test_content.h"

#include <stddef.h>

#ifndef PROVIUM_RECORD_PAGES
#define PROVIUM_RECORD_PAGES 16
#endif

struct test_content_record {
  uint32_t kind;
  uint32_t reserved1;
  bool (*accessor)(void *out, const void *type, const void *hint, uintptr_t reserved);
  uintptr_t context;
  uintptr_t reserved2;
};

#define KIND_TEST 0x74657374u /* 'test' */

#if defined(__APPLE__)
#define RECORD_SECTION "__DATA_CONST,__swift5_tests"
#else
#define RECORD_SECTION "swift5_tests"
#endif

/* One page: 256 accessors and 256 records, numbered by two hexadecimal digits after the page's own. */
#define SIXTEEN(DO, at) \
  DO(at##0) DO(at##1) DO(at##2) DO(at##3) DO(at##4) DO(at##5) DO(at##6) DO(at##7) \
  DO(at##8) DO(at##9) DO(at##a) DO(at##b) DO(at##c) DO(at##d) DO(at##e) DO(at##f)
#define PAGE(DO, at) \
  SIXTEEN(DO, at##0) SIXTEEN(DO, at##1) SIXTEEN(DO, at##2) SIXTEEN(DO, at##3) \
  SIXTEEN(DO, at##4) SIXTEEN(DO, at##5) SIXTEEN(DO, at##6) SIXTEEN(DO, at##7) \
  SIXTEEN(DO, at##8) SIXTEEN(DO, at##9) SIXTEEN(DO, at##a) SIXTEEN(DO, at##b) \
  SIXTEEN(DO, at##c) SIXTEEN(DO, at##d) SIXTEEN(DO, at##e) SIXTEEN(DO, at##f)

#define ACCESSOR(index) \
  static bool make_##index(void *out, const void *type, const void *hint, uintptr_t reserved) { \
    (void)reserved; \
    return provium_record_make != NULL && provium_record_make(out, type, hint, index); \
  }
#define RECORD(index) {KIND_TEST, 0, make_##index, 0, 0},

/* `used` keeps the records in a release build, `retain` from a linker that collects sections. */
#define DEFINE_PAGE(at) \
  PAGE(ACCESSOR, at) \
  __attribute__((section(RECORD_SECTION), used, retain, aligned(8))) static struct test_content_record page_##at[256] = {PAGE(RECORD, at)};

DEFINE_PAGE(0x0)
#if PROVIUM_RECORD_PAGES > 1
DEFINE_PAGE(0x1)
#endif
#if PROVIUM_RECORD_PAGES > 2
DEFINE_PAGE(0x2)
DEFINE_PAGE(0x3)
#endif
#if PROVIUM_RECORD_PAGES > 4
DEFINE_PAGE(0x4)
DEFINE_PAGE(0x5)
DEFINE_PAGE(0x6)
DEFINE_PAGE(0x7)
#endif
#if PROVIUM_RECORD_PAGES > 8
DEFINE_PAGE(0x8)
DEFINE_PAGE(0x9)
DEFINE_PAGE(0xa)
DEFINE_PAGE(0xb)
DEFINE_PAGE(0xc)
DEFINE_PAGE(0xd)
DEFINE_PAGE(0xe)
DEFINE_PAGE(0xf)
#endif
#if PROVIUM_RECORD_PAGES > 16
DEFINE_PAGE(0x10)
DEFINE_PAGE(0x11)
DEFINE_PAGE(0x12)
DEFINE_PAGE(0x13)
DEFINE_PAGE(0x14)
DEFINE_PAGE(0x15)
DEFINE_PAGE(0x16)
DEFINE_PAGE(0x17)
DEFINE_PAGE(0x18)
DEFINE_PAGE(0x19)
DEFINE_PAGE(0x1a)
DEFINE_PAGE(0x1b)
DEFINE_PAGE(0x1c)
DEFINE_PAGE(0x1d)
DEFINE_PAGE(0x1e)
DEFINE_PAGE(0x1f)
#endif
#if PROVIUM_RECORD_PAGES != 1 && PROVIUM_RECORD_PAGES != 2 && PROVIUM_RECORD_PAGES != 4 && PROVIUM_RECORD_PAGES != 8 && \
    PROVIUM_RECORD_PAGES != 16 && PROVIUM_RECORD_PAGES != 32
#error "PROVIUM_RECORD_PAGES is one of 1, 2, 4, 8, 16, 32"
#endif

uintptr_t provium_record_capacity(void) { return 256u * PROVIUM_RECORD_PAGES; }
