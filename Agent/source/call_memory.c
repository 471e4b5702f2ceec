#include "call_memory.h"

#include "sys.h"

enum {
  UNIT = 65536, /* a multiple of every page size there is; pages that no call touches cost nothing */
  KEPT = 1 << 20,
};

static void region_free(struct memory_region *region) {
  if (region->start != NULL) {
    sys_unmap(region->start, region->size + UNIT);
  }
  *region = (struct memory_region){NULL, 0};
}

static bool region_grow(struct memory_region *region, size_t length) {
  size_t size = (length + UNIT - 1) / UNIT * UNIT;
  region_free(region);
  uint8_t *start = sys_map(size + UNIT, MAP_PRIVATE);
  if (sys_pointer_errno(start) != 0) {
    return false;
  }
  *region = (struct memory_region){start, size};
  if (sys_call3(SYS_mprotect, start + size, UNIT, PROT_NONE) != 0) {
    region_free(region);
    return false;
  }
  return true;
}

uint8_t *memory_take(struct call_memory *memory, uint32_t region, size_t length) {
  struct memory_region *place = &memory->regions[region];
  if (place->size < length && !region_grow(place, length)) {
    return NULL;
  }
  return place->start + place->size - length;
}

void memory_trim(struct call_memory *memory, uint32_t count) {
  size_t all = 0;
  for (uint32_t i = 0; i < count; i++) {
    all += memory->regions[i].size > UNIT ? memory->regions[i].size : 0;
  }
  for (uint32_t i = 0; all > KEPT && i < count; i++) {
    if (memory->regions[i].size > UNIT) {
      region_free(&memory->regions[i]);
    }
  }
}

void memory_free(struct call_memory *memory) {
  for (uint32_t i = 0; i < PV_MAX_BUFFERS + PV_MAX_POINTERS; i++) {
    region_free(&memory->regions[i]);
  }
}
