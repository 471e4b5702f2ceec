#include "call_memory.h"

#include "sys.h"

enum {
  UNIT = 65536, /* a multiple of every page size; untouched pages cost no memory */
  KEPT = 1 << 20,
};

static void call_region_free(struct call_region *region) {
  if (region->start != NULL) {
    sys_unmap(region->start, region->size + UNIT);
  }
  *region = (struct call_region){NULL, 0};
}

static bool call_region_grow(struct call_region *region, size_t length) {
  size_t size = (length + UNIT - 1) / UNIT * UNIT;
  call_region_free(region);
  uint8_t *start = sys_map(size + UNIT, MAP_PRIVATE);
  if (sys_pointer_errno(start) != 0) {
    return false;
  }
  *region = (struct call_region){start, size};
  if (sys_call3(SYS_mprotect, start + size, UNIT, PROT_NONE) != 0) {
    call_region_free(region);
    return false;
  }
  return true;
}

uint8_t *call_memory_take(struct call_memory *memory, uint32_t region, size_t length) {
  struct call_region *found = &memory->regions[region];
  if ((found->start == NULL || found->size < length) && !call_region_grow(found, length)) {
    return NULL;
  }
  return found->start + found->size - length;
}

void call_memory_trim(struct call_memory *memory, uint32_t count) {
  size_t all = 0;
  for (uint32_t i = 0; i < count; i++) {
    all += memory->regions[i].size > UNIT ? memory->regions[i].size : 0;
  }
  for (uint32_t i = 0; all > KEPT && i < count; i++) {
    if (memory->regions[i].size > UNIT) {
      call_region_free(&memory->regions[i]);
    }
  }
}

void call_memory_free(struct call_memory *memory) {
  for (uint32_t i = 0; i < PV_MAX_BUFFERS + PV_MAX_POINTERS; i++) {
    call_region_free(&memory->regions[i]);
  }
}
