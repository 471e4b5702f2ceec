/* Traffic for the network figures. In a guest:
 *   flood send ADDRESS PORT SIZE MILLISECONDS   sends UDP datagrams, prints their number
 *   flood sink PORT MILLISECONDS                receives them, prints their number
 * On the host:
 *   flood forward FD FD    forwards packets between two sockets by recvmmsg(2) and sendmmsg(2) and a static
 * table of Ethernet addresses, until one is closed. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

enum { FLOOD_BATCH = 32, FLOOD_SLOT = 65600, FLOOD_MAC = 6 };

static int64_t flood_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static int flood_send(char **arguments) {
  static char payload[FLOOD_SLOT];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[1]))};
  inet_pton(AF_INET, arguments[0], &address.sin_addr);
  int fd = socket(AF_INET, SOCK_DGRAM, 0);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) < 0) return 1;
  size_t size = (size_t)atoi(arguments[2]);
  int64_t end = flood_now() + atoi(arguments[3]);
  long count = 0;
  while (flood_now() < end) {
    for (int i = 0; i < 16; i++)
      if (send(fd, payload, size, 0) == (ssize_t)size) count++;
  }
  printf("%ld\n", count);
  return 0;
}

static int flood_sink(char **arguments) {
  static char payload[FLOOD_SLOT];
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(arguments[0]))};
  int fd = socket(AF_INET, SOCK_DGRAM, 0), room = 4 << 20;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0) return 1;
  int64_t end = flood_now() + atoi(arguments[1]);
  long count = 0;
  for (int64_t left; (left = end - flood_now()) > 0;) {
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    if (poll(&entry, 1, (int)left) <= 0) break;
    while (recv(fd, payload, sizeof payload, MSG_DONTWAIT) >= 0)
      count++;
  }
  printf("%ld\n", count);
  return 0;
}

static uint64_t flood_mac(const uint8_t *bytes) {
  uint64_t value = 0;
  for (int i = 0; i < FLOOD_MAC; i++)
    value = value << 8 | bytes[i];
  return value;
}

static int flood_forward(char **arguments) {
  static uint8_t memory[FLOOD_BATCH][FLOOD_SLOT];
  struct mmsghdr messages[FLOOD_BATCH];
  struct iovec places[FLOOD_BATCH];
  struct pollfd entries[2];
  /* The addresses of the two sides are 02:00:00:00:00:01 and 02. */
  static const uint64_t table[2] = {0x020000000001, 0x020000000002};
  for (int i = 0; i < 2; i++)
    entries[i] = (struct pollfd){.fd = atoi(arguments[i]), .events = POLLIN};
  for (;;) {
    poll(entries, 2, -1);
    for (int side = 0; side < 2; side++) {
      if (entries[side].revents == 0) continue;
      memset(messages, 0, sizeof messages);
      for (int i = 0; i < FLOOD_BATCH; i++) {
        places[i] = (struct iovec){memory[i], FLOOD_SLOT};
        messages[i].msg_hdr = (struct msghdr){.msg_iov = &places[i], .msg_iovlen = 1};
      }
      int count = recvmmsg(entries[side].fd, messages, FLOOD_BATCH, MSG_DONTWAIT, NULL);
      if (count == 0 || (count > 0 && messages[0].msg_len == 0)) return 0;
      int run = 0;
      for (int i = 0; i < count; i++) {
        places[i].iov_len = messages[i].msg_len;
        if (flood_mac(memory[i]) == table[1 - side]) run++;
      }
      for (int done = 0; done < run;) {
        int sent = sendmmsg(entries[1 - side].fd, messages + done, (unsigned)(run - done),
                            MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent <= 0) break;
        done += sent;
      }
    }
  }
}

int main(int count, char **arguments) {
  if (count == 6 && strcmp(arguments[1], "send") == 0) return flood_send(arguments + 2);
  if (count == 4 && strcmp(arguments[1], "sink") == 0) return flood_sink(arguments + 2);
  if (count == 4 && strcmp(arguments[1], "forward") == 0) return flood_forward(arguments + 2);
  return 2;
}
