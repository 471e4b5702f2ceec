#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

enum { PATIENCE_MS = 10000 };

long now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

void put(struct bytes *bytes, const void *data, size_t length) {
  if (bytes->length + length > bytes->capacity) {
    bytes->capacity = (bytes->length + length) * 2 + 64;
    bytes->data = realloc(bytes->data, bytes->capacity);
  }
  if (length != 0) {
    memcpy(bytes->data + bytes->length, data, length);
  }
  bytes->length += length;
}
void put_u8(struct bytes *bytes, uint8_t value) { put(bytes, &value, sizeof value); }
void put_u16(struct bytes *bytes, uint16_t value) { put(bytes, &value, sizeof value); }
void put_u32(struct bytes *bytes, uint32_t value) { put(bytes, &value, sizeof value); }
void put_u64(struct bytes *bytes, uint64_t value) { put(bytes, &value, sizeof value); }
void put_string(struct bytes *bytes, const char *text) {
  put_u32(bytes, (uint32_t)strlen(text));
  put(bytes, text, strlen(text));
}
uint32_t get_u32(const struct bytes *bytes, size_t at) {
  uint32_t value = 0xDEADBEEF;
  if (at + 4 <= bytes->length) {
    memcpy(&value, bytes->data + at, 4);
  }
  return value;
}
uint64_t get_u64(const struct bytes *bytes, size_t at) {
  uint64_t value = 0xDEADBEEFDEADBEEF;
  if (at + 8 <= bytes->length) {
    memcpy(&value, bytes->data + at, 8);
  }
  return value;
}

static void bytes_drop_front(struct bytes *bytes, size_t length) {
  memmove(bytes->data, bytes->data + length, bytes->length - length);
  bytes->length -= length;
}

/* ---- the agent ------------------------------------------------------------------------------ */

pid_t agent_spawn(char **arguments, void (*prepare)(void)) {
  pid_t pid = fork();
  if (pid == 0) {
    if (prepare != NULL) {
      prepare();
    }
    execv(arguments[0], arguments);
    _exit(127);
  }
  return pid;
}

struct agent_under_test agent_start(bool link) {
  return agent_start_with_log(link, NULL);
}

struct agent_under_test agent_start_with_log(bool link, int *kmsg) {
  int main_pair[2], control_pair[2], log_pair[2] = {-1, -1};
  char main_text[16], control_text[16], log_text[16];
  struct agent_under_test agent = {0};
  socketpair(AF_UNIX, SOCK_STREAM, 0, main_pair);
  socketpair(AF_UNIX, SOCK_STREAM, 0, control_pair);
  fcntl(main_pair[0], F_SETFD, FD_CLOEXEC);
  fcntl(control_pair[0], F_SETFD, FD_CLOEXEC);
  snprintf(main_text, sizeof main_text, "%d", main_pair[1]);
  snprintf(control_text, sizeof control_text, "%d", control_pair[1]);
  char *arguments[] = {getenv("PROVIUM_AGENT"),
                       "--main-fd",
                       main_text,
                       "--control-fd",
                       control_text,
                       "--link",
                       link ? "serial" : "stream",
                       kmsg != NULL ? "--kmsg-fd" : NULL,
                       log_text,
                       NULL};
  if (kmsg != NULL) {
    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, log_pair);
    fcntl(log_pair[0], F_SETFD, FD_CLOEXEC);
    snprintf(log_text, sizeof log_text, "%d", log_pair[1]);
    *kmsg = log_pair[0];
  }
  agent.pid = agent_spawn(arguments, NULL);
  close(main_pair[1]);
  close(control_pair[1]);
  if (kmsg != NULL) {
    close(log_pair[1]);
  }
  agent.main = (struct peer){.fd = main_pair[0], .link = link};
  agent.control = (struct peer){.fd = control_pair[0], .link = link};
  if (link) {
    CHECK(peer_hello(&agent.control));
    CHECK(peer_hello(&agent.main));
  }
  struct reply ready = peer_receive(&agent.control);
  CHECK(ready.type == PV_READY && ready.payload.length == 40);
  ready = peer_receive(&agent.main);
  CHECK(ready.type == PV_READY && ready.payload.length == 40);
  return agent;
}

bool agent_stop(struct agent_under_test *agent) {
  int status = -1;
  close(agent->main.fd);
  close(agent->control.fd);
  for (long end = now_ms() + PATIENCE_MS; now_ms() < end; usleep(500)) {
    if (waitpid(agent->pid, &status, WNOHANG) == agent->pid) {
      return status == 0;
    }
  }
  kill(agent->pid, SIGKILL);
  waitpid(agent->pid, &status, 0);
  return false;
}

/* ---- sending -------------------------------------------------------------------------------- */

void peer_send(struct peer *peer, const void *bytes, size_t length) {
  const uint8_t *at = bytes;
  while (length != 0) {
    ssize_t sent = send(peer->fd, at, length, MSG_NOSIGNAL);
    if (sent <= 0) {
      return;
    }
    at += sent;
    length -= (size_t)sent;
  }
}

void peer_send_frame(struct peer *peer, uint8_t type, uint16_t channel, const void *payload,
                     uint32_t length) {
  struct pv_link_header header;
  struct bytes frame = {0};
  pv_link_header_make(&header, type, channel, payload, length);
  put(&frame, &header, sizeof header);
  put(&frame, payload, length);
  peer_send(peer, frame.data, frame.length);
  free(frame.data);
}

void peer_request_on(struct peer *peer, uint16_t channel, uint8_t type, const struct bytes *payload) {
  struct bytes message = {0};
  put_u8(&message, type);
  put_u32(&message, payload != NULL ? (uint32_t)payload->length : 0);
  if (payload != NULL) {
    put(&message, payload->data, payload->length);
  }
  if (!peer->link) {
    peer_send(peer, message.data, message.length);
  }
  for (size_t at = 0; peer->link && at < message.length; at += PV_LINK_MAX_PAYLOAD) {
    size_t left = message.length - at;
    uint32_t size = left < PV_LINK_MAX_PAYLOAD ? (uint32_t)left : PV_LINK_MAX_PAYLOAD;
    peer_send_frame(peer, PV_LINK_DATA, channel, message.data + at, size);
  }
  free(message.data);
}

void peer_request(struct peer *peer, uint8_t type, const struct bytes *payload) {
  peer_request_on(peer, 0, type, payload);
}

/* ---- receiving ------------------------------------------------------------------------------ */

static void peer_sort_frames(struct peer *peer) {
  size_t at = 0;
  while (peer->raw.length - at >= PV_LINK_HEADER_SIZE) {
    struct pv_link_header header;
    memcpy(&header, peer->raw.data + at, sizeof header);
    if (!pv_link_header_valid(&header)) {
      at++;
      continue;
    }
    const uint8_t *payload = peer->raw.data + at + sizeof header;
    if (peer->raw.length - at - sizeof header < header.length) {
      break;
    }
    if (pv_link_check(payload, header.length) != header.payload_check) {
      at++;
      continue;
    }
    at += sizeof header + header.length;
    if (header.type == PV_LINK_HELLO_ACK) {
      memcpy(peer->acknowledged, payload, PV_NONCE_SIZE);
      for (int i = 0; i < CHANNELS; i++) {
        peer->messages[i].length = 0;
        peer->closed[i] = false;
      }
    } else if (header.type == PV_LINK_CLOSE && header.channel < CHANNELS) {
      peer->closed[header.channel] = true;
    } else if (header.type == PV_LINK_DATA && header.channel < CHANNELS) {
      put(&peer->messages[header.channel], payload, header.length);
    }
  }
  bytes_drop_front(&peer->raw, at);
}

/* Reads once. Returns false at the end of the stream or when nothing arrives in time. */
static bool peer_fill(struct peer *peer, long end) {
  uint8_t bytes[65536];
  struct pollfd poll_one = {peer->fd, POLLIN, 0};
  long left = end - now_ms();
  if (poll(&poll_one, 1, left > 0 ? (int)left : 0) != 1) {
    return false;
  }
  ssize_t got = read(peer->fd, bytes, sizeof bytes);
  if (got <= 0) {
    peer->closed[0] = true;
    return false;
  }
  put(peer->link ? &peer->raw : &peer->messages[0], bytes, (size_t)got);
  if (peer->link) {
    peer_sort_frames(peer);
  }
  return true;
}

struct reply peer_receive_on(struct peer *peer, uint16_t channel, int timeout_ms) {
  struct bytes *messages = &peer->messages[channel];
  long end = now_ms() + timeout_ms;
  for (;;) {
    uint32_t length = get_u32(messages, 1);
    if (messages->length >= 5 && messages->length - 5 >= length) {
      struct reply reply = {messages->data[0], {0}};
      put(&reply.payload, messages->data + 5, length);
      bytes_drop_front(messages, 5 + (size_t)length);
      return reply;
    }
    if (peer->closed[channel] || peer->closed[0]) {
      return (struct reply){-1, {0}};
    }
    if (!peer_fill(peer, end) && !peer->closed[0]) {
      return (struct reply){-2, {0}};
    }
  }
}

struct reply peer_receive(struct peer *peer) {
  return peer_receive_on(peer, 0, PATIENCE_MS);
}

struct reply peer_call(struct peer *peer, uint8_t type, const struct bytes *payload) {
  peer_request(peer, type, payload);
  return peer_receive(peer);
}

struct reply peer_collect(struct peer *peer, struct bytes *out, struct bytes *err) {
  for (;;) {
    struct reply reply = peer_receive(peer);
    if (reply.type != PV_OUTPUT) {
      return reply;
    }
    struct bytes *target = reply.payload.data[0] == 1 ? out : err;
    if (target != NULL) {
      put(target, reply.payload.data + 1, reply.payload.length - 1);
    }
    free(reply.payload.data);
  }
}

bool peer_hello(struct peer *peer) {
  static uint8_t padding[PV_LINK_PADDING];
  uint8_t nonce[PV_NONCE_SIZE];
  for (size_t i = 0; i < sizeof nonce; i++) {
    nonce[i] = (uint8_t)rand();
  }
  peer_send(peer, padding, sizeof padding);
  peer_send_frame(peer, PV_LINK_HELLO, 0, nonce, sizeof nonce);
  long end = now_ms() + PATIENCE_MS;
  while (memcmp(peer->acknowledged, nonce, sizeof nonce) != 0) {
    if (!peer_fill(peer, end)) {
      return false;
    }
  }
  return true;
}

/* ---- requests ------------------------------------------------------------------------------- */

struct bytes text_payload(const char *text) {
  struct bytes payload = {0};
  put(&payload, text, strlen(text));
  return payload;
}

struct bytes syscall_payload(long number, int count, const int64_t *arguments) {
  struct bytes payload = {0};
  put_u32(&payload, (uint32_t)number);
  put_u32(&payload, (uint32_t)count);
  put_u32(&payload, 0);
  put(&payload, arguments, sizeof *arguments * (size_t)count);
  return payload;
}

void send_syscall(struct peer *peer, uint16_t channel, long number, int64_t a, int64_t b, int64_t c) {
  int64_t arguments[3] = {a, b, c};
  struct bytes payload = syscall_payload(number, 3, arguments);
  peer_request_on(peer, channel, PV_SYSCALL, &payload);
  free(payload.data);
}

struct reply call_syscall(struct peer *peer, uint16_t channel, long number, int64_t a, int64_t b, int64_t c) {
  send_syscall(peer, channel, number, a, b, c);
  return peer_receive_on(peer, channel, PATIENCE_MS);
}

struct bytes exec_payload(const char *command, uint32_t flags, uint32_t timeout_ms) {
  struct bytes payload = {0};
  put_u32(&payload, flags);
  put_u32(&payload, timeout_ms);
  put_u32(&payload, 0);
  put_u32(&payload, 0);
  put_string(&payload, command);
  return payload;
}

int64_t result_of(const struct reply *reply) { return (int64_t)get_u64(&reply->payload, 0); }

bool agent_alive(struct peer *peer) {
  struct bytes payload = text_payload("are you there?");
  struct reply reply = peer_call(peer, PV_ECHO, &payload);
  return reply.type == PV_DATA && reply.payload.length == payload.length;
}

char process_state(pid_t pid) {
  char name[64], state = 'X';
  snprintf(name, sizeof name, "/proc/%d/stat", pid);
  FILE *file = fopen(name, "r");
  if (file != NULL) {
    if (fscanf(file, "%*d %*s %c", &state) != 1) {
      state = 'X';
    }
    fclose(file);
  }
  return state;
}
