/* Runs a real agent over socket pairs, and implements the host's side of the protocol. */
#ifndef HARNESS_H
#define HARNESS_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "provium_wire.h"

extern int checks_failed;
/* Prints a failed condition and goes on. */
#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) {                                                             \
      fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, __func__, #condition); \
      checks_failed++;                                                              \
    }                                                                               \
  } while (0)

/* ---- bytes that grow ---- */
struct bytes {
  uint8_t *data;
  size_t length, capacity;
};
void put(struct bytes *bytes, const void *data, size_t length);
void put_u8(struct bytes *bytes, uint8_t value);
void put_u16(struct bytes *bytes, uint16_t value);
void put_u32(struct bytes *bytes, uint32_t value);
void put_u64(struct bytes *bytes, uint64_t value);
/* Adds the length as u32, then the characters. */
void put_string(struct bytes *bytes, const char *text);
uint32_t get_u32(const struct bytes *bytes, size_t at);
uint64_t get_u64(const struct bytes *bytes, size_t at);

/* ---- the host's side of a connection ---- */
enum { CHANNELS = PV_MAX_WORKERS + 1 };
struct peer {
  int fd;
  bool link;
  struct bytes raw;
  struct bytes messages[CHANNELS]; /* received bytes of each channel */
  bool closed[CHANNELS];           /* a CLOSE frame has arrived, or the stream has ended */
  uint8_t acknowledged[PV_NONCE_SIZE];
};

struct agent_under_test {
  pid_t pid;
  struct peer main, control;
};

/* Starts an agent and receives READY on both connections. */
struct agent_under_test agent_start(bool link);
/* The same with a socket that replaces /dev/kmsg; *kmsg is its other end: each packet is a record. */
struct agent_under_test agent_start_with_log(bool link, int *kmsg);
/* Starts a program; `prepare` runs in the child before it. */
pid_t agent_spawn(char **arguments, void (*prepare)(void));
/* Closes the connections. Returns true if the agent then exits with status 0. */
bool agent_stop(struct agent_under_test *agent);

void peer_send(struct peer *peer, const void *bytes, size_t length); /* sends bytes as they are */
void peer_send_frame(struct peer *peer, uint8_t type, uint16_t channel, const void *payload, uint32_t length);
void peer_request_on(struct peer *peer, uint16_t channel, uint8_t type, const struct bytes *payload);
void peer_request(struct peer *peer, uint8_t type, const struct bytes *payload);
/* Sends padding and HELLO. Returns true when the acknowledgement has arrived. */
bool peer_hello(struct peer *peer);

struct reply {
  int type; /* -1: the connection has ended; -2: nothing arrived in time */
  struct bytes payload;
};
struct reply peer_receive_on(struct peer *peer, uint16_t channel, int timeout_ms);
struct reply peer_receive(struct peer *peer);
/* Sends a request and returns the first reply. */
struct reply peer_call(struct peer *peer, uint8_t type, const struct bytes *payload);
/* Collects OUTPUT pieces and returns the first other reply. */
struct reply peer_collect(struct peer *peer, struct bytes *out, struct bytes *err);

/* ---- requests ---- */
struct bytes text_payload(const char *text);
struct bytes syscall_payload(long number, int count, const int64_t *arguments);
struct reply call_syscall(struct peer *peer, uint16_t channel, long number, int64_t a, int64_t b, int64_t c);
void send_syscall(struct peer *peer, uint16_t channel, long number, int64_t a, int64_t b, int64_t c);
struct bytes exec_payload(const char *command, uint32_t flags, uint32_t timeout_ms);
int64_t result_of(const struct reply *reply);
bool agent_alive(struct peer *peer);
long now_ms(void);
/* Returns the third field of /proc/PID/stat, 'X' without such a process. */
char process_state(pid_t pid);

/* ---- tests ---- */
void test_frames(void);
void test_calls(void);
void test_exec(void);
void test_jobs(void);
void test_process(void);
void test_files(void);
void test_workers(void);
void test_link(void);
void test_control(void);
void test_listen(void);
void test_memory(void);
void test_log(void);
void test_interface(void);

#endif
