#include "decode.h"

#include "reader.h"

enum { INTERFACE_HOST_NAME_MAX = 64, INTERFACE_MTU_MAX = 65535 };

static bool interface_is_family(uint8_t family, uint8_t prefix) {
  return (family == 4 && prefix <= 32) || (family == 6 && prefix <= 128);
}

/* Takes a list of entries that begin with family and prefix. */
static const uint8_t *interface_take_list(struct reader *reader, uint32_t size, uint32_t *count) {
  *count = reader_take_u32(reader);
  if (*count > PV_MAX_INTERFACE_ENTRIES) {
    reader->failed = true;
    return NULL;
  }
  struct span list = reader_take_bytes(reader, *count * size);
  for (uint32_t i = 0; i < *count && !reader->failed; i++) {
    if (!interface_is_family(list.data[i * size], list.data[i * size + 1])) {
      reader->failed = true;
    }
  }
  return list.data;
}

int decode_interface(struct span payload, union request *request) {
  struct interface_request *interface = &request->interface;
  struct reader reader = {payload, false};
  interface->find = reader_take_bytes(&reader, 6).data;
  interface->address = reader_take_bytes(&reader, 6).data;
  interface->mtu = reader_take_u32(&reader);
  interface->host_name = reader_take_string(&reader);
  interface->addresses = interface_take_list(&reader, PV_INTERFACE_ADDRESS_SIZE, &interface->address_count);
  interface->routes = interface_take_list(&reader, PV_INTERFACE_ROUTE_SIZE, &interface->route_count);
  if (reader_finish(&reader) != 0 || interface->mtu > INTERFACE_MTU_MAX ||
      interface->host_name.length > INTERFACE_HOST_NAME_MAX) {
    return EINVAL;
  }
  for (uint32_t i = 0; i < interface->address_count; i++) {
    if ((interface->addresses[i * PV_INTERFACE_ADDRESS_SIZE + 2] & ~PV_ADDRESS_OPTIONAL) != 0) {
      return EINVAL;
    }
  }
  return 0;
}
