/* INTERFACE: addresses and routes of a network interface, through netlink. */
#include <sys/socket.h> /* older kernel headers need it before linux/if.h */

#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>

#include "handlers.h"
#include "netlink.h"
#include "reply.h"
#include "sys.h"

#ifndef IFLA_PERM_ADDRESS
#define IFLA_PERM_ADDRESS 54
#endif

enum { INTERFACE_ROOM = 32768, INTERFACE_REMOVALS_MAX = 64, INTERFACE_LOOPBACK = 1, INTERFACE_MAC_SIZE = 6 };

struct interface_search {
  const uint8_t *find, *wanted;
  int index; /* 0: not found */
  char name[IFNAMSIZ];
  uint8_t address[INTERFACE_MAC_SIZE];
};

/* The addresses of an interface that are not wanted. */
struct interface_removal {
  const struct interface_request *wanted;
  int index;
  uint32_t count;
  struct {
    uint8_t family, prefix, length;
    uint8_t bytes[16];
  } entries[INTERFACE_REMOVALS_MAX];
};

static void interface_visit_link(const struct nlmsghdr *message, void *context) {
  struct interface_search *search = context;
  struct ifinfomsg info;
  if (message->nlmsg_type != RTM_NEWLINK || message->nlmsg_len < NLMSG_LENGTH(sizeof info)) {
    return;
  }
  memcpy(&info, NLMSG_DATA(message), sizeof info);
  const uint8_t *present = netlink_find(message, sizeof info, IFLA_ADDRESS, INTERFACE_MAC_SIZE);
  const uint8_t *permanent = netlink_find(message, sizeof info, IFLA_PERM_ADDRESS, INTERFACE_MAC_SIZE);
  const char *name = netlink_find(message, sizeof info, IFLA_IFNAME, 1);
  /* Before Linux 5.6 the kernel does not report the permanent address. A repeated request then finds the
   * interface by the address that the first request set. */
  bool is_it = (present != NULL && memcmp(present, search->find, INTERFACE_MAC_SIZE) == 0) ||
               (present != NULL && memcmp(present, search->wanted, INTERFACE_MAC_SIZE) == 0) ||
               (permanent != NULL && memcmp(permanent, search->find, INTERFACE_MAC_SIZE) == 0);
  if (is_it && present != NULL && name != NULL) {
    search->index = info.ifi_index;
    memcpy(search->address, present, INTERFACE_MAC_SIZE);
    for (size_t i = 0; i < sizeof search->name - 1 && name[i] != 0; i++) {
      search->name[i] = name[i];
    }
  }
}

static uint8_t interface_family(uint8_t wire_family) { return wire_family == 4 ? AF_INET : AF_INET6; }
static size_t interface_address_size(uint8_t family) { return family == AF_INET ? 4 : 16; }

static bool interface_is_wanted(const struct interface_request *wanted, uint8_t family, uint8_t prefix,
                                const uint8_t *bytes) {
  for (uint32_t i = 0; i < wanted->address_count; i++) {
    const uint8_t *entry = wanted->addresses + i * PV_INTERFACE_ADDRESS_SIZE;
    if (interface_family(entry[0]) == family && entry[1] == prefix &&
        memcmp(entry + 3, bytes, interface_address_size(family)) == 0) {
      return true;
    }
  }
  return false;
}

static void interface_visit_address(const struct nlmsghdr *message, void *context) {
  struct interface_removal *removal = context;
  struct ifaddrmsg info;
  if (message->nlmsg_type != RTM_NEWADDR || message->nlmsg_len < NLMSG_LENGTH(sizeof info)) {
    return;
  }
  memcpy(&info, NLMSG_DATA(message), sizeof info);
  if ((int)info.ifa_index != removal->index || (info.ifa_family != AF_INET && info.ifa_family != AF_INET6) ||
      removal->count == INTERFACE_REMOVALS_MAX) {
    return;
  }
  size_t size = interface_address_size(info.ifa_family);
  const uint8_t *bytes = netlink_find(message, sizeof info, IFA_LOCAL, size);
  if (bytes == NULL) {
    bytes = netlink_find(message, sizeof info, IFA_ADDRESS, size);
  }
  if (bytes == NULL || interface_is_wanted(removal->wanted, info.ifa_family, info.ifa_prefixlen, bytes)) {
    return;
  }
  removal->entries[removal->count].family = info.ifa_family;
  removal->entries[removal->count].prefix = info.ifa_prefixlen;
  removal->entries[removal->count].length = (uint8_t)size;
  memcpy(removal->entries[removal->count].bytes, bytes, size);
  removal->count++;
}

static int interface_set_up(int fd, int index, bool is_up) {
  struct netlink_request request;
  struct ifinfomsg *info = netlink_begin(&request, RTM_NEWLINK, 0, sizeof *info);
  info->ifi_index = index;
  info->ifi_change = IFF_UP;
  info->ifi_flags = is_up ? IFF_UP : 0;
  return netlink_ask(fd, &request);
}

static int interface_set_link(int fd, int index, const uint8_t *address, uint32_t mtu) {
  struct netlink_request request;
  struct ifinfomsg *info = netlink_begin(&request, RTM_NEWLINK, 0, sizeof *info);
  info->ifi_index = index;
  if (address != NULL) {
    netlink_add(&request, IFLA_ADDRESS, address, INTERFACE_MAC_SIZE);
  }
  if (mtu != 0) {
    netlink_add(&request, IFLA_MTU, &mtu, sizeof mtu);
  }
  return netlink_ask(fd, &request);
}

static int interface_change_address(int fd, uint16_t type, int index, uint8_t family, uint8_t prefix,
                                    const uint8_t *bytes) {
  struct netlink_request request;
  uint16_t flags = type == RTM_NEWADDR ? NLM_F_CREATE | NLM_F_REPLACE : 0;
  struct ifaddrmsg *info = netlink_begin(&request, type, flags, sizeof *info);
  info->ifa_family = family;
  info->ifa_prefixlen = prefix;
  info->ifa_index = (uint32_t)index;
  info->ifa_flags = family == AF_INET6 ? IFA_F_NODAD : 0;
  size_t size = interface_address_size(family);
  netlink_add(&request, IFA_LOCAL, bytes, size);
  netlink_add(&request, IFA_ADDRESS, bytes, size);
  if (family == AF_INET && type == RTM_NEWADDR && prefix < 31) {
    uint8_t broadcast[4];
    for (int i = 0; i < 4; i++) {
      int kept = prefix - 8 * i;
      broadcast[i] = bytes[i] | (uint8_t)(kept >= 8 ? 0 : kept <= 0 ? 0xFF : 0xFF >> kept);
    }
    netlink_add(&request, IFA_BROADCAST, broadcast, sizeof broadcast);
  }
  return netlink_ask(fd, &request);
}

static int interface_add_route(int fd, int index, const uint8_t *entry) {
  struct netlink_request request;
  struct rtmsg *route = netlink_begin(&request, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, sizeof *route);
  route->rtm_family = interface_family(entry[0]);
  route->rtm_dst_len = entry[1];
  route->rtm_table = RT_TABLE_MAIN;
  route->rtm_protocol = RTPROT_STATIC;
  route->rtm_scope = RT_SCOPE_UNIVERSE;
  route->rtm_type = RTN_UNICAST;
  size_t size = interface_address_size(route->rtm_family);
  if (entry[1] != 0) {
    netlink_add(&request, RTA_DST, entry + 2, size);
  }
  netlink_add(&request, RTA_GATEWAY, entry + 18, size);
  netlink_add(&request, RTA_OIF, &index, sizeof index);
  return netlink_ask(fd, &request);
}

/* Replaces the IP addresses of an interface. Returns 0 or -errno, with the step that failed in *step. */
static int interface_replace_addresses(int fd, int index, const struct interface_request *wanted,
                                       uint8_t *room, const char **step) {
  struct interface_removal removal = {.wanted = wanted, .index = index};
  struct netlink_request request;
  netlink_begin(&request, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
  *step = "list the addresses of the network interface ";
  int error = netlink_dump(fd, &request, room, INTERFACE_ROOM, interface_visit_address, &removal);
  *step = "remove an address of the network interface ";
  for (uint32_t i = 0; i < removal.count && error == 0; i++) {
    error = interface_change_address(fd, RTM_DELADDR, index, removal.entries[i].family,
                                     removal.entries[i].prefix, removal.entries[i].bytes);
    error = error == -EADDRNOTAVAIL ? 0 : error;
  }
  for (uint32_t i = 0; i < wanted->address_count && error == 0; i++) {
    const uint8_t *entry = wanted->addresses + i * PV_INTERFACE_ADDRESS_SIZE;
    *step = entry[0] == 4 ? "add an IPv4 address to the network interface "
                          : "add an IPv6 address to the network interface ";
    error = interface_change_address(fd, RTM_NEWADDR, index, interface_family(entry[0]), entry[1], entry + 3);
    if ((entry[2] & PV_ADDRESS_OPTIONAL) != 0 || error == -EEXIST) {
      error = 0;
    }
  }
  return error;
}

static int interface_apply(int fd, const struct interface_search *found,
                           const struct interface_request *wanted, uint8_t *room, const char **step) {
  bool is_other = memcmp(found->address, wanted->address, INTERFACE_MAC_SIZE) != 0;
  const uint8_t *address = is_other ? wanted->address : NULL;
  *step = "set the Ethernet address or the MTU of the network interface ";
  int error = is_other || wanted->mtu != 0 ? interface_set_link(fd, found->index, address, wanted->mtu) : 0;
  if (error == -EBUSY) {
    /* Some drivers change the address of an interface only while it is down. */
    error = interface_set_up(fd, found->index, false);
    error = error == 0 ? interface_set_link(fd, found->index, address, wanted->mtu) : error;
  }
  if (error == 0) {
    error = interface_replace_addresses(fd, found->index, wanted, room, step);
  }
  if (error == 0) {
    *step = "switch on the network interface ";
    error = interface_set_up(fd, found->index, true);
  }
  interface_set_up(fd, INTERFACE_LOOPBACK, true);
  for (uint32_t i = 0; i < wanted->route_count && error == 0; i++) {
    *step = "add a route through the network interface ";
    error = interface_add_route(fd, found->index, wanted->routes + i * PV_INTERFACE_ROUTE_SIZE);
  }
  if (error == 0 && wanted->host_name.length != 0) {
    *step = "set the host name";
    error = (int)sys_call2(SYS_sethostname, wanted->host_name.data, wanted->host_name.length);
  }
  return error;
}

void handle_interface(struct session *session, const union request *request) {
  const struct interface_request *wanted = &request->interface;
  struct connection *connection = &session->connection;
  if (buffer_reserve(&session->arena, INTERFACE_ROOM) != 0) {
    reply_error(connection, ENOMEM, "no memory for the network interfaces");
    return;
  }
  int fd = netlink_open();
  if (fd < 0) {
    reply_error(connection, -fd, "cannot open the kernel's routing socket");
    return;
  }
  struct interface_search search = {.find = wanted->find, .wanted = wanted->address};
  struct netlink_request list;
  struct ifinfomsg *info = netlink_begin(&list, RTM_GETLINK, 0, sizeof *info);
  info->ifi_family = AF_UNSPEC;
  const char *step = "list the network interfaces";
  int error = netlink_dump(fd, &list, session->arena.data, INTERFACE_ROOM, interface_visit_link, &search);
  if (error == 0 && search.index == 0) {
    sys_close(fd);
    reply_error(connection, ENODEV, "the guest has no network interface with that Ethernet address");
    return;
  }
  if (error == 0) {
    error = interface_apply(fd, &search, wanted, session->arena.data, &step);
  }
  sys_close(fd);
  if (error < 0) {
    struct text text = {.length = 0};
    text_add(&text, "cannot ");
    text_add(&text, step);
    /* A step that ends with a space concerns the interface that was found. */
    if (step[strlen(step) - 1] == ' ') {
      text_add(&text, search.name);
    }
    reply_error(connection, -error, text.data);
    return;
  }
  reply_begin(connection, PV_DATA);
  reply_bytes(connection, search.name, strlen(search.name));
  reply_send(connection);
}
