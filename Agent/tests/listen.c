/* Successive connections as over vsock, with Unix sockets in place of vsock ports. */
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "harness.h"

static char prefix[80];
static const char secret_text[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

/* Connects without the secret, as any process can. */
static struct peer dial(uint32_t port) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s.%u", prefix, port);
  struct peer peer = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  for (long end = now_ms() + 5000; now_ms() < end; usleep(500)) {
    if (connect(peer.fd, (struct sockaddr *)&address, sizeof address) == 0) {
      return peer;
    }
  }
  CHECK(!"connect");
  return peer;
}

static struct bytes secret_message(uint8_t first) {
  struct bytes message = {0};
  put_u8(&message, PV_SECRET);
  put_u32(&message, PV_SECRET_SIZE);
  for (uint8_t i = 0; i < PV_SECRET_SIZE; i++) {
    put_u8(&message, i == 0 ? first : i);
  }
  return message;
}

static void send_secret(struct peer *peer) {
  struct bytes message = secret_message(0);
  peer_send(peer, message.data, message.length);
  free(message.data);
}

/* Connects as the host does: again while an earlier session has not ended yet. */
static struct peer connect_to(uint32_t port) {
  for (long end = now_ms() + 5000; now_ms() < end; usleep(500)) {
    struct peer peer = dial(port);
    send_secret(&peer);
    int type = peer_receive(&peer).type;
    if (type != -1) {
      CHECK(type == PV_READY);
      return peer;
    }
    close(peer.fd);
  }
  CHECK(!"READY");
  return (struct peer){.fd = -1};
}

/* Whatever a process without the secret sends ends only its own connection. */
static void check_strangers(uint32_t port) {
  static const struct {
    uint8_t bytes[8];
    size_t length;
  } begins[] = {
      {{PV_EXEC, 4, 0, 0, 0, 't', 'r', 'u'}, 8},
      {{PV_ECHO, 0, 0, 0, 0}, 5},
      {{PV_SECRET, 0, 0, 0, 0}, 5},
      {{PV_SECRET, 33, 0, 0, 0}, 5},
      {{PV_SECRET, 0xff, 0xff, 0xff, 0xff}, 5},
      {{0, 0, 0, 0, 0, 0, 0, 0}, 8},
  };
  for (size_t i = 0; i < sizeof begins / sizeof begins[0]; i++) {
    struct peer stranger = dial(port);
    peer_send(&stranger, begins[i].bytes, begins[i].length);
    CHECK(peer_receive(&stranger).type == -1);
    close(stranger.fd);
  }
  struct peer stranger = dial(port);
  struct bytes wrong = secret_message(1);
  peer_send(&stranger, wrong.data, wrong.length);
  struct reply reply = peer_receive(&stranger);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EACCES);
  CHECK(peer_receive(&stranger).type == -1);
  close(stranger.fd);
  free(wrong.data);
}

static void check_reconnect(void) {
  struct peer main = connect_to(PV_VSOCK_PORT);
  struct reply opened = call_syscall(&main, 0, SYS_dup, 1, 0, 0);
  send_syscall(&main, 0, SYS_getpid, 0, 0, 0);
  close(main.fd);
  main = connect_to(PV_VSOCK_PORT); /* the same process, with its descriptors */
  struct reply closed = call_syscall(&main, 0, SYS_close, result_of(&opened), 0, 0);
  CHECK(result_of(&closed) == 0);
  /* The host is lost during a command: the next host does not wait for the command. */
  struct bytes payload = exec_payload("sleep 100", 0, 0);
  peer_request(&main, PV_EXEC_FULL, &payload);
  usleep(20000);
  close(main.fd);
  long start = now_ms();
  main = connect_to(PV_VSOCK_PORT);
  CHECK(now_ms() - start < 2000 && agent_alive(&main));
  close(main.fd);
}

static void check_lost_control(void) {
  struct peer control = connect_to(PV_VSOCK_CONTROL_PORT);
  struct peer main = connect_to(PV_VSOCK_PORT);
  send_syscall(&main, 0, SYS_pause, 0, 0, 0);
  usleep(10000);
  close(control.fd);
  CHECK(peer_receive_on(&main, 0, 2000).type != -2); /* the blocked call has ended */
  close(main.fd);
  main = connect_to(PV_VSOCK_PORT);
  CHECK(agent_alive(&main));
  close(main.fd);
}

static void check_workers(uint32_t flags) {
  struct peer control = connect_to(PV_VSOCK_CONTROL_PORT);
  struct peer main = connect_to(PV_VSOCK_PORT);
  struct bytes payload = {0};
  put_u32(&payload, flags);
  struct reply started = peer_call(&main, PV_SPAWN_WORKER, &payload);
  CHECK(started.type == PV_WORKER_STARTED);
  uint32_t number = get_u32(&started.payload, 0), pid = get_u32(&started.payload, 4);
  check_strangers(PV_VSOCK_WORKER_BASE + number);
  struct peer worker = connect_to(PV_VSOCK_WORKER_BASE + number);
  CHECK(peer_call(&worker, PV_QUIESCE, NULL).type == PV_DONE);
  close(worker.fd);
  worker = connect_to(PV_VSOCK_WORKER_BASE + number);
  struct reply reply = call_syscall(&worker, 0, SYS_gettid, 0, 0, 0);
  CHECK(result_of(&reply) == pid);
  close(worker.fd);
  reply = peer_receive(&control);
  CHECK(reply.type == PV_GONE && get_u32(&reply.payload, 4) == pid);
  close(control.fd);
  close(main.fd);
}

/* The secret arrives byte by byte, or together with a request. */
static void check_pieces(uint32_t port) {
  struct peer peer = dial(port);
  struct bytes message = secret_message(0);
  for (size_t i = 0; i < message.length; i++) {
    peer_send(&peer, message.data + i, 1);
    usleep(500);
  }
  free(message.data);
  CHECK(peer_receive(&peer).type == PV_READY);
  CHECK(agent_alive(&peer));
  close(peer.fd);
  peer = dial(port);
  send_secret(&peer);
  peer_request(&peer, PV_ECHO, NULL);
  CHECK(peer_receive(&peer).type == PV_READY);
  CHECK(peer_receive(&peer).type == PV_DATA);
  close(peer.fd);
}

/* A second host cannot replace a session, even with the secret; silent connections delay the host only
 * briefly. */
static void check_takeover(void) {
  struct peer silent[12];
  struct peer control = connect_to(PV_VSOCK_CONTROL_PORT);
  struct peer main = connect_to(PV_VSOCK_PORT);
  struct bytes payload = exec_payload("sleep 0.3; exit 7", 0, 0);
  peer_request(&main, PV_EXEC_FULL, &payload);
  check_strangers(PV_VSOCK_CONTROL_PORT);
  struct peer second = dial(PV_VSOCK_CONTROL_PORT);
  send_secret(&second);
  CHECK(peer_receive(&second).type == -1);
  close(second.fd);
  for (int i = 0; i < 12; i++) {
    silent[i] = dial(PV_VSOCK_CONTROL_PORT);
  }
  struct reply reply = peer_collect(&main, NULL, NULL);
  CHECK(reply.type == PV_EXEC_DONE && get_u32(&reply.payload, 0) == 7 && get_u32(&reply.payload, 4) == 0);
  CHECK(agent_alive(&control));
  close(control.fd);
  control = connect_to(PV_VSOCK_CONTROL_PORT); /* in spite of the silent connections */
  CHECK(agent_alive(&control) && agent_alive(&main));
  for (int i = 0; i < 12; i++) {
    close(silent[i].fd);
  }
  close(main.fd);
  close(control.fd);
  for (int i = 0; i < 3; i++) {
    silent[i] = dial(PV_VSOCK_PORT);
  }
  main = connect_to(PV_VSOCK_PORT);
  CHECK(agent_alive(&main));
  for (int i = 0; i < 3; i++) {
    close(silent[i].fd);
  }
  close(main.fd);
}

void test_listen(void) {
  snprintf(prefix, sizeof prefix, "/tmp/provium-agent-test-socket.%d", getpid());
  char *arguments[] = {getenv("PROVIUM_AGENT"), "--listen", prefix, "--secret", (char *)secret_text, NULL};
  pid_t pid = agent_spawn(arguments, NULL);
  check_strangers(PV_VSOCK_PORT);
  check_strangers(PV_VSOCK_CONTROL_PORT);
  check_pieces(PV_VSOCK_PORT);
  check_pieces(PV_VSOCK_CONTROL_PORT);
  check_takeover();
  check_reconnect();
  check_lost_control();
  check_workers(PV_SPAWN_FORK);
  check_workers(PV_SPAWN_THREAD);
  check_workers(PV_SPAWN_SHARED);
  struct peer main = connect_to(PV_VSOCK_PORT);
  CHECK(peer_call(&main, PV_SHUTDOWN, NULL).type == PV_READY);
  kill(pid, SIGKILL);
  waitpid(pid, NULL, 0);
  static const uint32_t ports[] = {PV_VSOCK_PORT, PV_VSOCK_CONTROL_PORT, PV_VSOCK_WORKER_BASE + 1};
  for (int i = 0; i < 3; i++) {
    char name[128];
    snprintf(name, sizeof name, "%s.%u", prefix, ports[i]);
    unlink(name);
  }
}
