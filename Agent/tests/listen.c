/* One connection after the other, as over vsock: Unix sockets stand in for its ports. */
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "harness.h"

static char prefix[80];

static struct peer connect_to(uint32_t port) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  snprintf(address.sun_path, sizeof address.sun_path, "%s.%u", prefix, port);
  struct peer peer = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  for (long end = now_ms() + 5000; now_ms() < end; usleep(500)) {
    if (connect(peer.fd, (struct sockaddr *)&address, sizeof address) == 0) {
      CHECK(peer_receive(&peer).type == PV_READY);
      return peer;
    }
  }
  CHECK(!"connect");
  return peer;
}

static void check_reconnect(void) {
  struct peer main = connect_to(PV_VSOCK_PORT);
  struct reply opened = call_syscall(&main, 0, SYS_dup, 1, 0, 0);
  send_syscall(&main, 0, SYS_getpid, 0, 0, 0);
  close(main.fd);
  main = connect_to(PV_VSOCK_PORT); /* the same process, with its descriptors */
  struct reply closed = call_syscall(&main, 0, SYS_close, result_of(&opened), 0, 0);
  CHECK(result_of(&closed) == 0);
  /* Lost in the middle of a command: the next host does not wait for it. */
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
  struct peer worker = connect_to(PV_VSOCK_WORKER_BASE + number);
  CHECK(peer_call(&worker, PV_QUIESCE, NULL).type == PV_DONE);
  close(worker.fd);
  worker = connect_to(PV_VSOCK_WORKER_BASE + number);
  struct reply reply = call_syscall(&worker, 0, SYS_getpid, 0, 0, 0);
  CHECK(result_of(&reply) == pid);
  close(worker.fd);
  reply = peer_receive(&control);
  CHECK(reply.type == PV_GONE && get_u32(&reply.payload, 4) == pid);
  close(control.fd);
  close(main.fd);
}

void test_listen(void) {
  snprintf(prefix, sizeof prefix, "/tmp/provium-agent-test-socket.%d", getpid());
  char *arguments[] = {getenv("PROVIUM_AGENT"), "--listen", prefix, NULL};
  pid_t pid = agent_spawn(arguments, NULL);
  check_reconnect();
  check_lost_control();
  check_workers(PV_SPAWN_FORK);
  check_workers(PV_SPAWN_THREAD);
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
